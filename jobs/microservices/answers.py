"""What a NeMo Data Designer service's answers hold, and whether they are such."""

import io
import json
import re
import tarfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

LONGEST_WORDS = 500  # characters of a service's message that are repeated


class Tokens(NamedTuple):
    """Tokens of a job's prompts and answers; None where the service does not say."""

    prompt: int | None
    completion: int | None


def is_providers(answer: Any) -> bool:
    """Tell whether providers are such: names, each with its models or None."""
    return all(isinstance(name, str) and isinstance(models, list | None) for name, models in answer.items())


def is_job(answer: Any) -> bool:
    """Tell whether a job has what every job has."""
    return all(isinstance(getattr(answer, name, None), str) for name in ("id", "name", "status"))


def read_archive(packed: bytes) -> list[dict[str, Any]]:
    """Read the rows of a packed dataset, file by file in the order of their names; nothing is unpacked to the disk."""
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:*") as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile() and m.name.endswith(".parquet")), key=_get_name)
        files = [archive.extractfile(member) for member in members]
        contents = [file.read() for file in files if file is not None]
    return [row for content in contents for row in pl.read_parquet(io.BytesIO(content), glob=False).to_dicts()]


def find_tokens(analysis: Any, column: str) -> Tokens:
    """Find a column's tokens in an analysis, which has means per row."""
    described = analysis.get("column_statistics", []) if isinstance(analysis, Mapping) else []
    mine = next((part for part in described if isinstance(part, Mapping) and part.get("column_name") == column), {})
    counted = mine.get("num_records")
    means = [mine.get(f"{kind}_tokens_mean") for kind in ("prompt", "completion")]
    prompt, completion = (
        round(mean * counted) if isinstance(mean, int | float) and isinstance(counted, int) else None for mean in means
    )
    return Tokens(prompt, completion)


def describe_job(job: Any) -> str:
    """Find what a service says of a job that ended badly, as it says it."""
    told = {**(job.status_details or {}), **(job.error_details or {})}
    words = told.get("message") or told.get("detail") or (json.dumps(told, default=str) if told else "")
    return str(words)


def shorten(text: str) -> str:
    """Put a message on one line, and cut it where it is long."""
    line = re.sub(r"\s+", " ", text).strip(" 🛑‼️")
    return line if len(line) <= LONGEST_WORDS else f"{line[:LONGEST_WORDS]} ..."


def _get_name(member: tarfile.TarInfo) -> str:
    return member.name
