"""One day trader's round trips."""
