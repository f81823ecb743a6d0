"""Gold trades: the exchange's sessions, the rules every trade obeys, reading and keeping a trader's own trades."""
