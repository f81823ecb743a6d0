"""What keeps a run from being exported."""


class ExportError(Exception):
    """The run, or the format, is none that can be exported; the message says what to do."""
