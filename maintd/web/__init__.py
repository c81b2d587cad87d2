"""The daemon's HTTP endpoints."""
