"""What experiment trackers are told of a run, as plain data: settings, counts by pass, usage, verdicts, hashes."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from exports.finished_run import FinishedRun
from files.secret_text import mask_secrets
from gold_data.folder import BARS, HOLDOUT, HOLDOUT_BARS, TRAIN

FILES = (
    *("report.html", "provenance.json", "profile.yaml", "data_dictionary.json"),
    *("metrics.json", "usage.json", "drift.json", "review.json"),
)
LONGEST = 5000  # characters of a setting; what is longer is told by its hash, and stands whole in profile.yaml
WENT_ON = "went_on"  # key of provenance.json that grows when a run goes on


class Metric(NamedTuple):
    """A number of a run; `step` is the refine pass after which it held."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class Tracked:
    """A run as a tracker keeps it: settings are texts, `files` are of its folder."""

    settings: Mapping[str, str]
    metrics: tuple[Metric, ...]
    tags: Mapping[str, str]
    files: tuple[Path, ...]

    def digest(self) -> str:
        """Give the hash of all that is told: equal ones need not be told twice."""
        told = json.dumps([self.settings, self.metrics, self.tags], sort_keys=True)
        return hash_parts(told.encode(), *(file.read_bytes() for file in self.files))


def describe_run(run: FinishedRun) -> Tracked:
    """Describe a run: what is secret is masked, numbers that are not there are left out."""
    usage, verified = run.read_json("usage.json") or {}, run.read_json("metrics.json")
    metrics = [*count_passes(run.ledger), *list_numbers("usage", usage)]
    tags = {
        "tradelogs.dataset": run.profile.dataset.name,
        "tradelogs.config_sha256": hashlib.sha256((run.folder / "profile.yaml").read_bytes()).hexdigest(),
        "tradelogs.gold_sha256": hash_gold(run.folder / "gold"),
        "tradelogs.verdict": "not verified",
    }
    if verified is not None:
        tags["tradelogs.verdict"] = verified["overall"]["verdict"]
        for answer in verified["answers"]:
            tags[f"tradelogs.verdict.{answer['question']}"] = answer["verdict"]
            metrics += list_numbers(answer["question"], answer["metrics"])
    settings = {name: mask_secrets(text) for name, text in flatten(run.profile.document)}
    files = tuple(run.folder / name for name in FILES if (run.folder / name).is_file())
    return Tracked(settings, tuple(metrics), {name: mask_secrets(text) for name, text in tags.items()}, files)


def identify_run(run: FinishedRun) -> str:
    """Give what a run is told from all others by, also when it has gone on: its name, its inputs, its first moment."""
    provenance = {key: value for key, value in (run.read_json("provenance.json") or {}).items() if key != WENT_ON}
    with (run.folder / "events.jsonl").open("rb") as log:
        first = log.readline()
    return hash_parts(run.folder.name.encode(), json.dumps(provenance, sort_keys=True).encode(), first)


def count_passes(ledger: pl.DataFrame) -> Iterator[Metric]:
    """Count candidates by how they had ended after each refine pass, the last of which is the end, and the funnel."""
    yield Metric("candidates", ledger.height)
    last = ledger.get_column("refine_passes").max()
    for status in ("accepted", "rejected", "failed"):
        passes = ledger.filter(pl.col("status") == status).get_column("refine_passes").fill_null(0)
        for step in range((last if isinstance(last, int) else 0) + 1):
            yield Metric(status, int((passes <= step).sum()), step)
    rule = pl.col("reason").str.extract(r"^\[([a-z_]+)").fill_null("other")
    ended = ledger.filter(pl.col("status") != "accepted").group_by("status", rule).len().sort("status", "reason")
    for status, reason, count in ended.iter_rows():
        yield Metric(f"funnel.{status}.{reason}", count)


def list_numbers(group: str, document: Mapping[str, Any]) -> Iterator[Metric]:
    """List the numbers of a document, and those that have an interval with its ends; lists and texts are left out."""
    for name, value in document.items():
        parts = value.items() if isinstance(value, Mapping) and "value" in value else [("value", value)]
        for part, number in parts:
            if isinstance(number, int | float) and not isinstance(number, bool):
                yield Metric(f"{group}.{name}" if part == "value" else f"{group}.{name}.{part}", number)


def flatten(document: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Give the leaves of a document as texts, by their dotted paths; a list is one leaf."""
    if isinstance(document, Mapping) and document:
        for key, value in document.items():
            yield from flatten(value, f"{path}.{key}" if path else str(key))
        return
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    yield path, text if len(text) <= LONGEST else f"sha256 {hash_parts(text.encode())}"


def hash_gold(folder: Path) -> str:
    """Hash the gold as a run used it: rows and bars, train and held-out."""
    files = (folder / name for name in (TRAIN, HOLDOUT, BARS, HOLDOUT_BARS))
    return hash_parts(*(file.read_bytes() for file in files if file.is_file()))


def hash_parts(*parts: bytes) -> str:
    """Hash parts of which none can be moved into another: SHA-256, hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
