"""What is wrong with a strategy, for a person: where, which rule, what was found."""

from collections.abc import Sequence
from dataclasses import dataclass

from indicators.errors import IndicatorError

SHOWN_PROBLEMS = 5


@dataclass(frozen=True)
class Problem:
    """One broken rule: `path` from the strategy's root `$`, the rule's name, and a sentence with limit and value."""

    path: str
    rule: str
    message: str

    def __str__(self) -> str:
        """Say it on one line."""
        return f"{self.path}: {self.message} [{self.rule}]"


class StrategyError(IndicatorError):
    """A strategy that cannot be used as it is; nothing in it was mended."""

    def __init__(self, problems: Sequence[Problem], source: str = "The strategy") -> None:
        """Take all that is wrong, one at least."""
        self.problems = tuple(problems)
        shown = "; ".join(map(str, problems[:SHOWN_PROBLEMS]))
        more = f"; and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
        super().__init__(f"{source} cannot be used: {shown}{more}.")
