"""The rounds' folder: plans, passes and settled candidates, each file whole or absent."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from columns.declared import FAMILY, Declared
from files.hashes import remove_recorded, write_recorded
from files.whole_file import write_bytes
from refine_loop.booking import Candidate
from refine_loop.state import build_candidate_schema


class Rounds:
    """Reads and writes `rounds/<number>/{plan, pass_<n>, settled}.parquet`; what is written is recorded in the run."""

    def __init__(self, folder: Path, dataset: Declared) -> None:
        self._folder = folder
        self._schema = build_candidate_schema(dataset)
        self._known_by = (*(() if dataset.families is None else (FAMILY,)), "generated_row", *dataset.keep)

    def write_plan(self, number: int, rows: Sequence[dict[str, Any]]) -> None:
        """Write a round's plan: one row per candidate, in their order."""
        self._write(pl.DataFrame(rows, infer_schema_length=None), self._path(number, "plan"))

    def read_plan(self, number: int) -> list[dict[str, Any]]:
        """Read a round's plan."""
        return self.read_plan_frame(number).to_dicts()

    def read_plan_frame(self, number: int) -> pl.DataFrame:
        """Read a round's plan as a frame; the library may order its columns differently from one to the next."""
        return pl.read_parquet(self._path(number, "plan"), glob=False)

    def write_seeds(self, number: int, stage: int | str, rows: Sequence[dict[str, Any]]) -> Path:
        """Write a job's seed rows; the name holds their hash, for the library compares seed files by name alone."""
        buffer = io.BytesIO()
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(buffer)
        content = buffer.getvalue()
        path = self._path(number, f"seeds_{stage}-{hashlib.sha256(content).hexdigest()[:12]}")
        write_bytes(content, path)
        return path.resolve()

    def write_pass(self, number: int, refine_pass: int, candidates: Sequence[Candidate]) -> None:
        """Write all candidates of a round as they stand after a pass; 0 is the first draft."""
        self._write_candidates(candidates, self._path(number, f"pass_{refine_pass}"))
        if (cut := self._path(number, "interrupted")).exists():
            remove_recorded(cut, self._folder.parent)

    def read_pass(self, number: int, refine_pass: int) -> list[Candidate]:
        """Read all candidates of a round as they stood after a pass."""
        return pl.read_parquet(self._path(number, f"pass_{refine_pass}"), glob=False).to_dicts()

    def read_settled(self, number: int) -> list[Candidate]:
        """Read a round's candidates, every one of them ended."""
        return pl.read_parquet(self._path(number, "settled"), glob=False).to_dicts()

    def write_interrupted(self, number: int, candidates: Sequence[Candidate]) -> None:
        """Write what there is of a round that was stopped; the round's next pass takes its place."""
        self._write_candidates(candidates, self._path(number, "interrupted"))

    def write_settled(self, number: int, candidates: Sequence[Candidate]) -> None:
        """Write a round's candidates, every one of them ended."""
        self._write_candidates(candidates, self._path(number, "settled"))

    def write_reviewed(self, number: int, candidates: Sequence[Candidate]) -> None:
        """Write a round's accepted rows that people sent back, as they ended; `settled` stays as it is."""
        self._write_candidates(candidates, self._path(number, "reviewed"))

    def iter_ended(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Read, round by round in their order, the candidates that have ended: all, or of a round that was cut some."""
        for folder in sorted(self._folder.glob("*")):
            number = int(folder.name)
            passes = [*sorted(folder.glob("pass_*.parquet")), *folder.glob("interrupted.parquet")]
            if (settled := self._path(number, "settled")).exists():
                yield number, pl.read_parquet(settled, glob=False)
            elif passes:
                yield number, pl.read_parquet(passes[-1], glob=False).filter(pl.col("status") != "open")

    def iter_accepted(self, number: int, refine_pass: int) -> Iterator[dict[str, Any]]:
        """Read id, row and what is kept of all that was accepted before a pass of a round, in earlier rounds too."""
        paths = sorted(self._folder.glob("*/settled.parquet"))
        if refine_pass:
            paths.append(self._path(number, f"pass_{refine_pass - 1}"))
        for path in paths:
            accepted = pl.scan_parquet(path, glob=False).filter(pl.col("status") == "accepted")
            yield from accepted.select("row_id", *self._known_by).collect().to_dicts()

    def count_accepted(self, last: int) -> int:
        """Count the accepted rows of the rounds up to and including `last`."""
        paths = [path for path in self._folder.glob("*/settled.parquet") if int(path.parent.name) <= last]
        if not paths:
            return 0
        counted = pl.scan_parquet(paths, glob=False).select((pl.col("status") == "accepted").sum()).collect()
        return int(counted.item())

    def _path(self, number: int, name: str) -> Path:
        return self._folder / f"{number:03d}" / f"{name}.parquet"

    def _write_candidates(self, candidates: Sequence[Candidate], path: Path) -> None:
        self._write(pl.DataFrame(candidates, schema=self._schema), path)

    def _write(self, frame: pl.DataFrame, path: Path) -> None:
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        write_recorded(buffer.getvalue(), path, self._folder.parent)
