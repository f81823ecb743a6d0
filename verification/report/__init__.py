"""report.html, drawn from metrics.json alone."""
