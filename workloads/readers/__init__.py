"""Readers of interaction logs, one file format a module."""
