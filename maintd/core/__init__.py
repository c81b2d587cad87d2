"""The vocabulary every other layer speaks: no I/O but for failpoints, no clock, no logger."""
