"""Backends of the checked specification: Python code, formulas, prose, tables."""
