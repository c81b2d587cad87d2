"""The vocabulary every other layer speaks: no I/O, no clock, no logger."""
