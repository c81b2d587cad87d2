"""Bringing back what a backup holds: what differs, the plan, and the way to it. Only the command line uses it."""
