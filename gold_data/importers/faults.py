"""Why a row is no trade that gold can be made of: a rule, and the value found."""

from datetime import datetime
from decimal import Decimal

SHOWN = 80  # characters of a value that a message shows


class RowFaultError(Exception):
    """A row that should be a trade or an execution, and cannot be read.

    `quantity` (signed) and `time` are what is known of an execution all the same.
    """

    def __init__(self, rule: str, value: str, limit: str = "") -> None:
        """Keep the rule, the value found, and the limit it broke, where the rule's name does not say that."""
        super().__init__(rule)
        self.rule = rule
        self.quantity: Decimal | None = None
        self.time: datetime | None = None
        value = value.encode("utf-8", "replace").decode("utf-8")  # JSON may hold halves of characters
        self.value = value if len(value) <= SHOWN else value[:SHOWN] + "..."
        self.limit = limit

    @property
    def finding(self) -> str:
        """The value found, and the limit."""
        return f"{self.value}; limit: {self.limit}" if self.limit else self.value


class NotATradeError(RowFaultError):
    """A row that is understood, and is a trade of another kind than gold is made of."""


class NotAFillError(RowFaultError):
    """A row that is understood, and in which nothing was bought or sold."""
