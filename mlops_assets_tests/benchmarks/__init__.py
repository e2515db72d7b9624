"""The benchmarks work; what they measure is no test."""
