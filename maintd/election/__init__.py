"""Which of several processes leads: the Lease, and the reign of whoever holds it."""
