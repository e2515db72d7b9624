"""The demo: lands media and tells what the daemon makes of it. It imports nothing that materialises."""
