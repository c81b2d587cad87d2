"""jobs.yaml and MAINTD_* settings."""
