"""The embedded cluster of the demo and the tests."""
