"""What keeps a run from being verified."""


class VerificationError(Exception):
    """A run, or its gold, cannot be verified; the message says where, what is wrong and what to do."""
