"""What engines differ on and nobody can call wrong; OURS is what docs/strategy.md describes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Conventions:
    """Whether two series that were equal one bar ago can cross; whether stop and target count on the entry bar."""

    tie_is_cross: bool = True
    exits_on_entry_bar: bool = True


OURS = Conventions()
