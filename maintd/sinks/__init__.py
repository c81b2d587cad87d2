"""Where the record of a run goes."""
