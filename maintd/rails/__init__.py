"""The only way to change the cluster, and what is kept on the way."""
