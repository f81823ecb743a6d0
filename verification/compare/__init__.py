"""Two runs beside one another: what was changed, what came of it, and whether the second is better."""
