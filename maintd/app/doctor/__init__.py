"""What would not work, before it does not: a check is a function from what it may look at to lines."""
