"""Trading strategies as data: their grammar, their meaning, what they would have traded, which are twins."""
