"""Benchmarks: what the platform costs, as ratios against floors measured in the same run.

`python -m benchmarks [names] [--quick]`; results are committed as data under `results/`.
"""
