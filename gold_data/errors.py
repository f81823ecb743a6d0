"""What a person is told when their gold cannot be used."""


class GoldError(Exception):
    """The gold trades or bars cannot be read; the message says what is wrong, where, and what to do."""
