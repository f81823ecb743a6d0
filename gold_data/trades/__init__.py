"""Gold that is a trader's round trips: their rules, measures and limits, and importing them."""
