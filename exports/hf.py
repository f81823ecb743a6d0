"""A folder that Hugging Face `datasets` loads: Parquet by split, and a card made from the run's facts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from columns.declared import Declared
from exports.errors import ExportError
from exports.export import Exported
from exports.finished_run import FinishedRun
from exports.splits import PARTS, SPLIT, say_parts, split_accepted
from exports.tracked import hash_parts
from files.whole_file import write_text, write_whole
from gold_data.store import SESSION

DATA = "data/{split}-00000-of-00001.parquet"
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def takes_dataset(_: Declared) -> bool:
    """Any dataset."""
    return True


def write(run: FinishedRun, out: Path) -> Exported:
    """Write the accepted rows and their card into a folder.

    Raises:
        ExportError: `out` is a file.
    """
    if out.is_file():
        raise ExportError(f"{out} is a file: name a folder with --out")
    parts = split_accepted(run)
    (out / DATA).parent.mkdir(parents=True, exist_ok=True)
    for name in {*PARTS} - {*parts}:  # of a run that was exported here before
        (out / DATA.format(split=name)).unlink(missing_ok=True)
    for name, part in parts.items():
        with write_whole(out / DATA.format(split=name)) as partial:
            part.write_parquet(partial)
    counts = {name: part.height for name, part in parts.items()}
    digest = hash_parts(*((out / DATA.format(split=name)).read_bytes() for name in parts))
    write_text(write_card(run, counts, digest), out / "README.md")
    return Exported(out, sum(counts.values()), (say_parts(counts, run.accepted.height),))


def write_card(run: FinishedRun, counts: Mapping[str, int], digest: str) -> str:
    """Write the card: what the rows are, how they were made and judged, and what they must not be used for.

    `counts` are the rows of each split. `digest` is theirs: `load_dataset` keeps what it has read by the settings of
    the card and the last name of the folder, not by the files, and would give one run's rows for another's.
    """
    profile, dataset = run.profile, run.profile.dataset
    rows = sum(counts.values())
    files = [{"split": name, "path": DATA.format(split=name)} for name in counts]
    head = {
        "pretty_name": dataset.name,
        "tags": ["synthetic", "trading", dataset.name],
        "size_categories": [next((name for most, name in SIZES if rows < most), "n>1M")],
        "configs": [{"config_name": "default", "description": f"sha256 {digest}", "data_files": files}],
    }
    statuses = dict(run.ledger.group_by("status").len().rows())
    ended = ", ".join(f"{statuses.get(name, 0):,} {name}" for name in ("accepted", "rejected", "failed"))
    models = "\n".join(f"- {role}: `{model.model}`" for role, model in profile.models.items())
    paragraphs = [
        f"# {dataset.name}: {dataset.document['description']}",
        f"Synthetic data, {dataset.document['grain']}; {rows:,} rows. {run.ledger.height:,} candidates: {ended}.",
        f"## Splits\n\n{_say_splits(counts, run)}",
        f"## Verdict\n\n{_say_verdict(run.read_json('metrics.json'))}",
        f"## Models\n\nProvider `{profile.provider.name}`.\n\n{models}",
        f"## Columns\n\n{list_columns(run)}",
        "## What it must not be used for\n\n"
        "No row happened. The rows say nothing about any market's future, are no advice, and prove nothing about a "
        "strategy that was tuned on them. They are for testing software and for training or probing models, beside "
        "real data that was held out.",
        _say_rehearsal(profile.provider.name),
    ]
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n" + "\n\n".join(filter(None, paragraphs)) + "\n"


def list_columns(run: FinishedRun) -> str:
    """List the columns with their types and, where the run says it, their meaning."""
    said = (run.read_json("data_dictionary.json") or {}).get("accepted", {})
    lines = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for name, kind in run.accepted.schema.items():
        told = said.get(name, {})
        lines.append(f"| `{name}` | {kind} | {told.get('unit', '')} | {told.get('description', '')} |")
    return "\n".join(lines)


def _say_splits(counts: Mapping[str, int], run: FinishedRun) -> str:
    by = (
        "By what the rows say themselves."
        if SPLIT in run.accepted.columns
        else "By time, the last sessions for tests."
        if SESSION in run.accepted.columns
        else "One part: the rows have no time."
    )
    return f"{by} {say_parts(counts, run.accepted.height)}."


def _say_verdict(metrics: Mapping[str, Any] | None) -> str:
    if metrics is None or "overall" not in metrics:
        return "This run was not verified."
    return f"{metrics['overall']['text']}. {metrics['overall']['reason']}"


def _say_rehearsal(provider: str) -> str | None:
    if provider != "offline":
        return None
    return "Made with the built-in offline model, which is no language model: this set rehearses the pipeline."
