"""Google's own view of the cluster: the only importer of google.cloud.container."""
