"""The one error of this package."""


class IndicatorError(Exception):
    """Bars, trades or files that indicators cannot be computed from; the message is written for a person."""
