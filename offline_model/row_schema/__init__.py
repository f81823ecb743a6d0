"""Draws values that fit a JSON Schema: rows for any dataset that says what its row looks like."""
