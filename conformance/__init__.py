"""Judging implementations: traces, the oracle, test generation, testers and targets."""
