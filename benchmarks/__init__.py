"""Measurements of the whole: what goes in, how fast, at what price, and how soon it can be asked for. `python -m benchmarks`."""
