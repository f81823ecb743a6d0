"""Runs the cases that stand beside a dataset's checks: a row, a plan, and the rules that the row breaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from columns.dataset import Given, find_function, load_dataset
from columns.declared import CASES_FILE, Declared
from gold_data.source import GoldSource
from gold_data.store import GoldFolder, write_gold

WITHOUT_FUNCTION = "check_row"


@dataclass(frozen=True)
class Case:
    """One case: by which function it is checked, the row, its row of the plan, and the rules it breaks, in order."""

    name: str
    check: str
    row: Any
    plan: Mapping[str, Any]
    breaks: tuple[str, ...]


def read_cases(folder: Path) -> list[Case]:
    """Read a dataset's cases; `change` and `drop` change the sound row, `plan` the sound plan, for one case."""
    path = folder / CASES_FILE
    if not path.is_file():
        return []
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [_build_case(case, document) for case in document["cases"]]


def _build_case(case: Mapping[str, Any], document: Mapping[str, Any]) -> Case:
    row = case.get("row", document.get("row"))
    if isinstance(row, Mapping):
        changed = {**row, **case.get("change", {})}
        row = {name: value for name, value in changed.items() if name not in case.get("drop", ())}
    plan = {**document.get("plan", {}), **case.get("plan", {})}
    return Case(case["name"], case.get("check", WITHOUT_FUNCTION), row, plan, tuple(case["breaks"]))


def run_cases(declared: Declared) -> list[str]:
    """Say which of a dataset's cases do not break the rules that they should; nothing where all do."""
    cases = read_cases(declared.folder)
    if not cases:
        return []
    document = yaml.safe_load((declared.folder / CASES_FILE).read_text(encoding="utf-8"))
    dataset, failed = load_dataset(declared.folder), []
    with TemporaryDirectory(prefix="tradelogs-cases-") as temporary:
        gold = _keep_gold(declared, document.get("gold", {}), Path(temporary) / "gold")
        asked = {name: (rule["column"], rule.get("tolerance")) for name, rule in document.get("asked", {}).items()}
        given = Given(dataset, gold, asked)
        for case in cases:
            function = case.check
            check = dataset.check_row if function == WITHOUT_FUNCTION else find_function(declared.folder, function)
            found = tuple(violation.rule for violation in check(case.row, case.plan, given))
            if found != case.breaks:
                failed.append(f"{case.name}: breaks {list(found)}, should break {list(case.breaks)}")
    return failed


def _keep_gold(declared: Declared, files: Mapping[str, str], folder: Path) -> GoldFolder:
    named = {key: declared.root / path for key, path in files.items()}
    source = GoldSource(named, options=declared.default_options)
    return write_gold(load_dataset(declared.folder).read_gold(source), folder, 0.0)
