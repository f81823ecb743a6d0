"""Where a profile's gold lies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class GoldSource:
    """Files of the gold, as absolute paths, and which sessions are held out.

    `files` has those that are there, by the keys under which a profile names them. `split` is the file that says which
    sessions are held out, where a gold folder brings it; otherwise the last ones are, a share `holdout` of all, with
    `embargo` sessions before them in neither part. With `disguise` models are shown codes, rescaled prices and shifted
    dates in the place of its own. `options` are the profile's keys that belong to the dataset, for
    those whose gold rows hang on them.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    holdout: float = 0.0
    embargo: int = 0
    split: Path | None = None
    disguise: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)
