"""Files that nobody writes by hand."""
