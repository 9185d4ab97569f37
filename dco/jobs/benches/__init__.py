"""Benchmarks, one file each: `bench(options)` gives rows of figures beside what they are compared with."""
