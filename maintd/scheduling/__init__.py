"""When jobs run, and one run from ring to record."""
