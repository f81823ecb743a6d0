"""What goes wrong with files."""


class StorageError(OSError):
    """A run's folder does not take what the run must keep: the disk is full, broken or read-only."""
