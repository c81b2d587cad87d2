"""The bucket or folder that records, backups and evidence are written to."""
