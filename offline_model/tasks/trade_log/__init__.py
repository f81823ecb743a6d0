"""Rehearsal of trade_log: trades resampled from the examples of a prompt, with planted faults."""
