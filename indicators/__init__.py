"""Technical indicators: the bars they need, the values, and where they are attached."""
