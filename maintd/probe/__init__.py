"""Sends HTTP probes."""
