"""A run as a comparison reads it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from designer_configs.compile.profile import Profile, load_profile
from designer_configs.errors import ConfigError
from files.shown_text import say_unfinished
from gold_data.folder import HOLDOUT, TRAIN
from verification.errors import VerificationError
from verification.inputs import read_table

LEDGER = "ledger.parquet"
NOT_NEEDED = "not needed"  # how the reason of a row begins that was surplus: it says nothing of its quality


@dataclass(frozen=True)
class Side:
    """One of two runs: its profile, its ledger without what was not needed, and what its JSON files say.

    `metrics` is empty where the run was not verified, or has other rows by now.
    """

    folder: Path
    profile: Profile
    ledger: pl.DataFrame
    provenance: Mapping[str, Any]
    usage: Mapping[str, Any]
    metrics: Mapping[str, Any]
    gold: str

    @property
    def accepted(self) -> int:
        """How many rows it accepted."""
        return self.ledger.filter(pl.col("status") == "accepted").height

    @property
    def rubric(self) -> str:
        """What its scores hang on: the judge's model and the files that say how it judges."""
        judge = self.profile.dataset.find_column(self.profile.dataset.judge)
        model = None if judge is None else self.profile.document["models"].get(judge["model_alias"])
        return json.dumps([judge, model], sort_keys=True, default=str)


def read_side(folder: Path) -> Side:
    """Read a run's folder.

    Raises:
        VerificationError: it holds no finished run, or something of it cannot be read.
    """
    for name in ("profile.yaml", LEDGER, "usage.json", "provenance.json"):
        if not (folder / name).is_file():
            raise VerificationError(say_unfinished(folder, name))
    try:
        profile = load_profile(str(folder / "profile.yaml"), {})
    except ConfigError as exc:
        raise VerificationError(f"{folder}: {exc}") from exc
    ledger = read_table(folder / LEDGER)
    needed = ~pl.col("reason").fill_null("").str.starts_with(NOT_NEEDED)
    metrics = _read_json(folder / "metrics.json") if (folder / "metrics.json").is_file() else {}
    accepted = ledger.filter(pl.col("status") == "accepted").height
    return Side(
        folder=folder,
        profile=profile,
        ledger=ledger.filter(needed),
        provenance=_read_json(folder / "provenance.json"),
        usage=_read_json(folder / "usage.json"),
        metrics=metrics if metrics.get("run", {}).get("synthetic") == accepted else {},
        gold=_hash_gold(folder / "gold"),
    )


def _hash_gold(folder: Path) -> str:
    files = [path for path in (folder / TRAIN, folder / HOLDOUT) if path.is_file()]
    return " ".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise VerificationError(f"{path} cannot be read: {exc}") from exc
    if not isinstance(document, dict):
        raise VerificationError(f"{path} is damaged: it holds no object")
    return document
