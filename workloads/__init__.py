"""Interaction logs: readers, catalogue, splits, sessions and the synthetic generator."""
