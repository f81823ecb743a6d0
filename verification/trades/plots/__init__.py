"""The plots of the questions asked of trades."""
