"""Holds a run's folder against what was recorded of it: what is damaged, what of that can be made anew, and by what.

Three kinds of files are recorded. Inputs (profile, provenance, gold) and what was paid for (plans, passes, answers,
events) cannot be made anew: nobody goes on without them, or with others. What follows from these can: results by
`resume`, the report by `verify`. Not recorded is what nobody reads again: `jobs/`, `artifacts/`, logs, exports.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from files.append_file import find_foreign_line
from files.hashes import (
    HASHES,
    Damage,
    begin_hashes,
    find_damage,
    has_hashes,
    read_hashes,
    record_files,
    remove_recorded,
    write_recorded,
)
from files.shown_text import show_path, write_command
from refine_loop.errors import RunInputError
from refine_loop.record.events import is_event
from refine_loop.record.provenance import PROFILE_FILE, PROVENANCE, REJUDGED, read_document, read_provenance
from refine_loop.record.runs import is_run

Maker = Literal["resume", "verify"]

EVENTS = "events.jsonl"
LOGS = (EVENTS, "rounds/*/answers_*.jsonl", "rounds/*/events_*.jsonl")  # the last of a cluster's workers
KEPT = (PROFILE_FILE, PROVENANCE, REJUDGED, "*.parquet", "gold/*", "rounds/*/[ps]*.parquet", "trace/*.gz")
REPORT = ("metrics.json", "report.html")
RESULTS = ("usage.json", "data_dictionary.json", "accepted.csv", "accepted.jsonl", "data_designer.yaml")
ANSWERS = re.compile(r"rounds/(\d+)/answers_(?:generate|refine_(\d+))\b.*\.jsonl")
PARQUET = b"PAR1"  # how such a file begins and ends
EDITED = "was changed since"


@dataclass(frozen=True)
class Harm:
    """A file that is not as it was recorded, how that shows, and what makes it anew; None where nothing can."""

    file: str
    found: str
    maker: Maker | None

    def say(self, folder: Path) -> str:
        """Say it in a line."""
        if self.found == EDITED:
            resume = write_command("tradelogs", "resume", folder)
            return (
                f"{self.file} {self.found}: {resume} goes on with other caps and counts, and refuses any other change"
            )
        made_by = f": made anew by {write_command('tradelogs', self.maker, folder)}" if self.maker else ""
        return f"{self.file} {self.found}{made_by}"


@dataclass(frozen=True)
class Checked:
    """What a folder was found to be: `files` were held against their hashes, `notes` say what could not be."""

    files: int
    harms: list[Harm]
    notes: list[str]


def check_run(folder: Path) -> Checked:
    """Hold a run's folder against what was recorded of it.

    Raises:
        RunInputError: the folder holds no run.
    """
    if not is_run(folder) and not has_hashes(folder):
        raise RunInputError(f"{show_path(folder)} holds no run: name the folder that `tradelogs generate` printed")
    found = find_damage(folder)
    named = {damage.file for damage in found}
    found += [each for each in _find_unreadable(folder) if each.file not in named]
    lost = {damage.file for damage in found}
    harms = [Harm(each.file, each.found, _find_maker(folder, each, lost)) for each in found]
    harms = [replace(h, found=EDITED) if h.file == PROFILE_FILE and _is_edited(folder) else h for h in harms]
    recorded = [name for name, entry in read_hashes(folder).items() if not entry.gone]
    return Checked(len(recorded), harms, [*_note_hashes(folder, recorded)])


def hold_run(folder: Path, by: Maker | None = None, *, with_report: bool = False) -> list[str]:
    """Hold a run against its hashes before it is read, or gone on with; gives what is to be said of it.

    What `by` makes anew is in nobody's way, and the report only where it is asked for.

    Raises:
        RunInputError: something is damaged that `by` does not make anew; nothing was changed.
    """
    if not is_run(folder):
        return []  # which the command itself says
    checked = check_run(folder)
    spared = (by,) if with_report else (by, "verify")
    if stopping := [harm for harm in checked.harms if harm.maker is None or harm.maker not in spared]:
        raise RunInputError("\n".join([explain_damage(folder, stopping), *checked.notes]))
    anew = [harm for harm in checked.harms if harm.maker == by and harm.found != EDITED]
    return [
        *(f"{harm.file} {harm.found}, and is made anew" for harm in anew),
        *(checked.notes if by == "resume" else ()),
    ]


def mend_run(folder: Path) -> list[str]:
    """Take what is damaged and can be made anew out of the way of a run that goes on; gives what is to be said of it.

    A profile that a person has edited stays as it is: what was changed in it is for the run to say.

    Raises:
        RunInputError: something cannot be made anew; nothing was changed.
    """
    said = hold_run(folder, "resume")
    checked = check_run(folder)
    for harm in (harm for harm in checked.harms if harm.maker == "resume" and harm.found != EDITED):
        path = folder / harm.file
        if harm.file.startswith("rounds/"):  # of a round that goes on without it
            remove_recorded(path, folder)
        path.unlink(missing_ok=True)
        if harm.file == PROFILE_FILE:
            write_recorded((read_document(read_provenance(folder)) or "").encode(), path, folder)
    if checked.notes and not any(harm.maker == "resume" for harm in checked.harms):
        (folder / HASHES).unlink(missing_ok=True)
        begin_hashes(folder)
        record_files([path for path in _list_kept(folder) if path.is_file()], folder)
    return said


def _list_kept(folder: Path) -> list[Path]:
    """List the files that are recorded as a run goes on, but for the logs, which their writers record."""
    found = {path for pattern in (*KEPT, *RESULTS, *REPORT) for path in folder.glob(pattern)}
    return sorted(path for path in found if not path.name.startswith((".", "seeds", "reviewed")))


def explain_damage(folder: Path, harms: list[Harm]) -> str:
    """Say what is damaged, and what can still be done."""
    lost = [harm for harm in harms if harm.maker is None and not (folder / harm.file).is_dir()]
    damaged = [harm for harm in harms if harm.found != EDITED]
    lines = [f"{show_path(folder)} is damaged:"] if damaged else [f"{show_path(folder)} is not as it was written:"]
    lines += [f"  {harm.say(folder)}" for harm in harms]
    if lost:
        lines.append(
            f"What was given or paid for cannot be made anew: put {'it' if len(lost) == 1 else 'them'} back from a "
            "copy. Nothing was changed and nothing was sent; keep the folder, for all else in it is as it was written"
        )
    return "\n".join(lines)


def _find_maker(folder: Path, damage: Damage, lost: set[str]) -> Maker | None:
    """Name the command that makes a file anew; None where it was given, or paid for."""
    file = damage.file
    if (folder / file).is_dir():  # nothing of ours; what is in it is not ours to take away
        return None
    if file in REPORT:
        return "verify"
    if (folder / REJUDGED).is_file():  # nobody goes on with a run that was judged again
        return None
    is_table = "/" not in file and file.endswith(".parquet") and file != "reviewed.parquet"
    is_native = file.startswith("data_designer_home/")
    if file in RESULTS or is_table or is_native or file.endswith("/interrupted.parquet"):
        return "resume"
    if file == PROFILE_FILE and PROVENANCE not in lost and _knows_profile(folder):
        return "resume"
    return "resume" if _is_spent(folder, file, lost) else None


def _is_edited(folder: Path) -> bool:
    """Tell whether the profile is still one: what a person edits has all its keys, what is cut has not."""
    if not (folder / PROFILE_FILE).is_file():  # a pipe would be waited for
        return False
    try:
        now = yaml.safe_load((folder / PROFILE_FILE).read_text(encoding="utf-8"))
        before = yaml.safe_load(read_document(read_provenance(folder)) or "")
    except (OSError, ValueError, yaml.YAMLError, RunInputError):
        return False
    return isinstance(before, dict) and set(_list_keys(before)) <= set(_list_keys(now))


def _list_keys(document: Any, path: str = "") -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield f"{path}.{key}"
            yield from _list_keys(value, f"{path}.{key}")


def _knows_profile(folder: Path) -> bool:
    return read_document(read_provenance(folder)) is not None


def _is_spent(folder: Path, file: str, lost: set[str]) -> bool:
    """Tell whether answers have served: what they came to is in a pass that is whole, and nobody keeps a trace."""
    match = ANSWERS.fullmatch(file)
    if match is None:
        return False
    served = f"rounds/{match[1]}/pass_{match[2] or 0}.parquet"
    if served in lost or not (folder / served).is_file() or PROVENANCE in lost:
        return False
    document = yaml.safe_load(read_document(read_provenance(folder)) or "{}")
    return bool(document.get("trace") == "none")


def _find_unreadable(folder: Path) -> Iterator[Damage]:
    """Find lines that are none of ours behind what is recorded of a log, and tables without a hash that are cut."""
    recorded = read_hashes(folder)
    for path in (path for pattern in LOGS for path in sorted(folder.glob(pattern)) if path.is_file()):
        name = path.relative_to(folder).as_posix()
        start = entry.size or 0 if (entry := recorded.get(name)) else 0
        number = find_foreign_line(path, _choose_shape(path), start) if start <= path.stat().st_size else None
        if number is not None:
            yield Damage(name, f"has a line that nobody here wrote, line {number}")
    if (
        PROVENANCE not in recorded
        and (folder / PROVENANCE).is_file()
        and not _is_object((folder / PROVENANCE).read_bytes())
    ):
        yield Damage(PROVENANCE, "cannot be read")
    for path in sorted([*folder.glob("rounds/*/[pis]*.parquet"), *folder.glob("gold/*.parquet")]):
        name = path.relative_to(folder).as_posix()
        if name not in recorded and not path.name.startswith("seeds") and not _is_table(path):
            yield Damage(name, "is no whole Parquet file")


def _choose_shape(path: Path) -> Callable[[Any], bool]:
    if path.name.startswith("events"):  # the run's, or those of a worker
        return is_event
    from jobs.requests.journal import is_entry  # noqa: PLC0415 - the library takes a second, and few runs are half done

    return is_entry


def _is_table(path: Path) -> bool:
    with path.open("rb") as file:
        start, size = file.read(len(PARQUET)), path.stat().st_size
        file.seek(max(0, size - len(PARQUET)))
        return start == file.read() == PARQUET and size > 2 * len(PARQUET)


def _note_hashes(folder: Path, recorded: list[str]) -> Iterator[str]:
    """Say what cannot be held against a hash."""
    if not has_hashes(folder):
        yield f"{HASHES} is missing: what is in the folder is taken as it is"
    elif not recorded:
        yield f"{HASHES} is empty: what is in the folder is taken as it is"
    elif broken := _count_foreign(folder / HASHES):
        yield f"{HASHES} has {broken} lines that nobody here wrote: what they were about is taken as it is"
    elif not (folder / HASHES).read_bytes().endswith(b"\n"):
        yield f"{HASHES} ends in the middle of a line: what was written later is held against what was before"


def _count_foreign(path: Path) -> int:
    lines = path.read_bytes().splitlines(keepends=True)
    return sum(line.endswith(b"\n") and not _is_object(line) for line in lines)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
