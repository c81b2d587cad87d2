"""maintd: scheduled maintenance for Kubernetes and GKE."""

__version__ = "0.1.0"
