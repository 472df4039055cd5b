"""Measurements. Nothing in the tests asserts a time; they stand here."""
