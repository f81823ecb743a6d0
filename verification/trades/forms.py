"""What each form of a trade's answer does to fidelity, as `python -m benchmarks.bench_forms` measured it.

The offline model says the same trades in every form, so that the form alone is what differs.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("forms.json")
ASKED = ("fidelity", "exits", "diversity", "memorisation", "backtest")


def pick_figures(answers: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Pick of a verified run's answers the most telling number of each question: its label, its text, the verdict."""
    by_question = {answer["question"]: answer for answer in answers}
    return [[*by_question[name]["numbers"][0], by_question[name]["verdict"]] for name in ASKED]


def say_forms() -> str:
    """Say what was measured of every form in one line, figure by figure."""
    measured = json.loads(FILE.read_text(encoding="utf-8"))
    first, *_ = measured["forms"].values()
    parts = [
        f"{label.partition(' (')[0]}: "
        + ", ".join(f"{form} {figures[at][1]}" for form, figures in measured["forms"].items())
        for at, (label, *_) in enumerate(first)
    ]
    return f"{measured['rows']} trades of seed {measured['seed']}: {'; '.join(parts)}"
