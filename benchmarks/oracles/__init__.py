"""Naive tellings of what is done quickly elsewhere: what tests compare with, and benchmarks time."""
