"""What can go wrong when a value is drawn from a schema."""

from offline_model.errors import PromptError


class NoValueError(PromptError):
    """A schema that nothing fits, or whose demands are more than the offline model can draw for."""
