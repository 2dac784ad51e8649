"""Implementations under test, one module per family."""
