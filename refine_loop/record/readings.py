"""How models' answers were read: counted from a run's log, in all and by candidate."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

READINGS_A_FILE = 20_000  # which bounds what is held in memory of a long log
MENDED_SCHEMA = pl.Schema([("round", pl.Int64()), ("row_id", pl.String()), ("mended", pl.List(pl.String))])


class Readings:
    """Counts, event by event, answers read in another form than was asked for and refused ones, and spools the former.

    `folder` is a new one, which gets a Parquet file for every so many of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mended = self._files = 0
        self._mendings, self._causes = Counter[str](), Counter[str]()
        self._batch: list[dict[str, Any]] = []
        folder.mkdir()

    def count(self, event: Mapping[str, Any]) -> None:
        """Count the next event."""
        if event["event"] != "answer_read":
            return
        if event["refused"] is not None:
            self._causes[event["refused"]] += 1
        if not event["mended"]:
            return
        self._mended += 1
        self._mendings.update(event["mended"])
        if event["row_id"] is not None:
            number = int(event["job"].partition("_")[0])
            self._batch.append({"round": number, "row_id": event["row_id"], "mended": event["mended"]})
        if len(self._batch) == READINGS_A_FILE:
            self._flush()

    def scan(self) -> pl.LazyFrame:
        """Scan the mended answers of candidates: round, row_id, mended."""
        self._flush()
        files = [pl.scan_parquet(path, glob=False) for path in sorted(self._folder.iterdir())]
        return pl.concat(files)

    def say(self) -> list[str]:
        """Say how many there were, and in which forms or for which causes, the commonest first."""
        told = [
            (self._mended, "read in another form", self._mendings),
            (self._causes.total(), "refused", self._causes),
        ]
        return [
            f"{count} {'answer' if count == 1 else 'answers'} {how}: {_list_counts(names)}"
            for count, how, names in told
            if count
        ]

    def _flush(self) -> None:
        pl.DataFrame(self._batch, schema=MENDED_SCHEMA).write_parquet(self._folder / f"{self._files:06d}.parquet")
        self._batch, self._files = [], self._files + 1


def name_row_mendings(mended: pl.DataFrame) -> pl.DataFrame:
    """Name the mendings of each candidate's answers, each once, in the order of the alphabet: row_id, mended."""
    named = mended.explode("mended").unique().sort("mended")
    return named.group_by("row_id", maintain_order=True).agg("mended")


def _list_counts(names: Counter[str]) -> str:
    ordered = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} x {name.replace('_', ' ')}" for name, count in ordered)
