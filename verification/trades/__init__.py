"""The questions asked of trades, each in a module of its own, and the yardstick they share."""
