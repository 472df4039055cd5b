"""Runs chat templates, which come from untrusted sources: what they may read, and how much work.

Security: `environment.py` allows attributes and methods and meters calls, `operators.py` and
`filters.py` meter operators, methods, filters and tests, `compile.py` meters loops, macros and
comparisons, `cost.py` computes what a value costs, `budget.py` counts it and stops the template.

Speed: `shortcuts.py` only, which skips checks whose result is known.
"""
