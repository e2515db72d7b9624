"""The demo: lands media, tells what the daemon makes of it, materialises nothing itself."""
