"""What is asked of a row, and what is said of one that breaks a rule: gold rows and candidates alike."""

from dataclasses import asdict, dataclass
from typing import NamedTuple


class Expectation(NamedTuple):
    """What a control asks of a field: a value, within a tolerance where it is a number."""

    field: str
    value: object
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule; `message` is one sentence that names the fields, the value found and the limit.

    Where `mend` is False no refiner is asked: the candidate is rejected at once, with the rule as its reason.
    """

    rule: str
    fields: tuple[str, ...]
    limit: str
    found: str
    message: str
    mend: bool = True

    def to_dict(self) -> dict[str, object]:
        """Give the violation as plain data for JSON."""
        return asdict(self) | {"fields": list(self.fields)}
