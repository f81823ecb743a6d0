"""The way of one request: halt, journal, policy, slots, log."""
