"""Judging a model on outcomes it did not learn from."""
