"""What Kubernetes objects mean: pure functions on plain dicts."""
