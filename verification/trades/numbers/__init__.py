"""The numbers that a trader lives by: measured on both sides, and tested whether they can be of one law."""
