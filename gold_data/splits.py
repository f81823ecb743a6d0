"""Splits gold by whole sessions: what models may see, what is held out, and an embargo between the two.

A session is a day on which the gold has trades. The embargo's sessions are in neither part: what was held over a
night, an average that had not yet forgotten the day before, or yesterday's mood cannot carry from one into the other.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

import polars as pl

from gold_data.errors import GoldError

Part = Literal["train", "embargo", "holdout"]


@dataclass(frozen=True, slots=True)
class Split:
    """Which sessions are in which part, each list in order; no session is in two."""

    train: tuple[date, ...]
    embargo: tuple[date, ...]
    holdout: tuple[date, ...]

    def to_json(self) -> str:
        """Write the split as JSON text."""
        return json.dumps({part: [day.isoformat() for day in days] for part, days in asdict(self).items()}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Split":
        """Read the split that `to_json` wrote.

        Raises:
            ValueError: it is not one.
        """
        parts = json.loads(text)
        if not isinstance(parts, dict) or set(parts) != {"train", "embargo", "holdout"}:
            raise ValueError("it needs the keys train, embargo and holdout, and no other")
        split = cls(**{part: tuple(date.fromisoformat(day) for day in days) for part, days in parts.items()})
        sessions = [*split.train, *split.embargo, *split.holdout]
        if len(set(sessions)) < len(sessions):
            raise ValueError("a session is in it twice")
        return split


def plan_split(sessions: Iterable[date], holdout: float, *, blocks: int = 1, embargo: int = 0) -> Split:
    """Plan which sessions are held out: the last ones, or the last ones of each of several equal stretches of time.

    Of every stretch the share `holdout` is held out, one session at least where it is above 0, and on either side of
    it as many as the embargo asks for are set aside. One session at least is left to train on: sessions too few for
    train, embargo and hold-out in one stretch are all trained on.

    Args:
        sessions: The gold's, in any order.
        holdout: Share of the sessions.
        blocks: Stretches, each with a block of its own that is held out.
        embargo: Sessions between train and hold-out.

    Raises:
        GoldError: `holdout` is not a share, or there are too few sessions for so many blocks.
    """
    days = sorted(set(sessions))
    if not 0.0 <= holdout < 1.0:
        raise GoldError(
            f"holdout {holdout:g} is not a share of the sessions; give a number from 0 to below 1, such as 0.2"
        )
    bounds = [len(days) * block // blocks for block in range(blocks + 1)]
    parts: list[Part] = ["train"] * len(days)
    for start, end in pairwise(bounds):
        set_aside = embargo if start == 0 else 2 * embargo  # also after the block held out before
        held = min(max(round(holdout * (end - start)), int(holdout > 0)), end - start - set_aside - 1)
        if held < 1 and holdout > 0 and blocks > 1:
            raise GoldError(
                f"{len(days)} sessions are too few for {blocks} held-out blocks with an embargo of {embargo}; "
                f"give at least {blocks * (2 + 2 * embargo)} sessions, or fewer blocks"
            )
        if held > 0:
            begin = end - held
            parts[begin - embargo : begin] = ["embargo"] * embargo
            parts[begin:end] = ["holdout"] * held
            after = min(embargo, len(days) - end)
            parts[end : end + after] = ["embargo"] * after
    return Split(*(_pick(days, parts, part) for part in ("train", "embargo", "holdout")))


def _pick(days: Sequence[date], parts: Sequence[Part], wanted: Part) -> tuple[date, ...]:
    return tuple(day for day, part in zip(days, parts, strict=True) if part == wanted)


def take_part(trades: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Take the trades of some sessions, in the order given."""
    return trades.filter(pl.col("session_date").is_in(days))


def date_by_exchange(bars: pl.DataFrame) -> pl.Series:
    """Date bars by their day on the exchange's clock."""
    return bars.get_column("timestamp").dt.date()


def take_bars(bars: pl.DataFrame, split: Split, part: Part, dates: pl.Series | None = None) -> pl.DataFrame:
    """Take the bars of a part: those of its sessions, and of days that lead up to one.

    A day without trades belongs to the session that comes next, so days next to a held-out session do not leak it to
    what is trained on, and nothing after the part's last session is taken.

    Args:
        bars: Minute bars.
        split: Which session is in which part.
        part: The part.
        dates: The session date of every bar; where None, its day on the exchange's clock.
    """
    of_bars = date_by_exchange(bars) if dates is None else dates
    wanted = {"train": split.train, "embargo": split.embargo, "holdout": split.holdout}[part]
    days = sorted([*split.train, *split.embargo, *split.holdout])
    sessions = pl.DataFrame({"session": days}, schema={"session": pl.Date})
    known = of_bars.alias("day").unique().sort().to_frame()
    leading = known.join_asof(sessions, left_on="day", right_on="session", strategy="forward")
    kept = leading.filter(pl.col("session").is_in(wanted)).get_column("day")
    return bars.filter(of_bars.is_in(kept.implode()))


def read_split(path: Path, trades: pl.DataFrame) -> Split:
    """Read the split that belongs to trades.

    Raises:
        GoldError: it is missing or damaged, or does not have the trades' sessions.
    """
    split = load_split(path)
    known = {*split.train, *split.embargo, *split.holdout}
    foreign = sorted(set(trades.get_column("session_date")) - known)
    if foreign:
        raise GoldError(f"{path} does not say in which part the session {foreign[0]} is; import the gold anew")
    if not set(trades.get_column("session_date")) & set(split.train):
        raise GoldError(f"{path} leaves no session with trades to train on; import the gold anew")
    return split


def load_split(path: Path) -> Split:
    """Load the split of a gold folder, whatever rows it is for.

    Raises:
        GoldError: it is missing or damaged.
    """
    try:
        return Split.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as exc:
        raise GoldError(f"{path} is not the split of a gold folder: {exc}; import the gold anew") from exc
