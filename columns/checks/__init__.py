"""Checks that several datasets use: near-copies of texts, numbers and names in a text, policies."""
