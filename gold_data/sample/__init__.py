"""The simulated sample gold, and what simulates it."""
