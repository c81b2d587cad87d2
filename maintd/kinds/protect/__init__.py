"""Kinds that write to the store only."""
