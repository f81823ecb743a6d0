"""Evaluates answers to descriptions of strategies, from any model, with floors, ceilings and intervals."""
