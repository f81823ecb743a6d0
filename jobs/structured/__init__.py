"""Answers in a given form: what of a JSON Schema is shown to a model, and what its provider's decoder is sent."""
