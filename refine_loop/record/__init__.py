"""What a run leaves behind: events, usage, metrics, provenance, results."""
