"""Kinds that only read."""
