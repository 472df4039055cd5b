"""Benchmarks. Tests assert no times; these programs measure them."""
