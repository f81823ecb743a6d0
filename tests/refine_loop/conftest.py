"""A loop without Data Designer: a backend that gives every row the fate a test wants."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest

from designer_configs.compile.controls import Control
from designer_configs.compile.native import CompiledProfile
from designer_configs.compile.profile import Profile, load_profile
from jobs.job import Job, JobResult, LostRow
from jobs.request import Request
from refine_loop.record.events import EventLog

Fate = Literal["accept", "criticise", "break", "lose", "copy"]
Decide = Callable[[int, int], Fate]

VOLATILITY = Control(
    column={"name": "target_volatility"},
    prompt="",
    match={"field": "entry_volatility_percent", "tolerance": 0.05},
    check=None,
)
COMPILED = CompiledProfile(
    whole={}, plan={"job": "plan"}, generate={"job": "generate"}, refine={"job": "refine"}, controls=[VOLATILITY]
)


class ScriptedBackend:
    """Runs jobs as `decide(number of the row in the run, refine pass)` says; every request costs 100 tokens."""

    def __init__(self, decide: Decide, log: EventLog) -> None:
        self.jobs: list[Job] = []
        self.seeds: list[list[dict[str, Any]]] = []
        self._decide = decide
        self._log = log
        self._planned = 0

    def check_models(self, config: dict[str, Any]) -> None:
        """Find every model well."""

    def run(self, job: Job) -> JobResult:
        """Plan rows, or give each row of the seed file its fate."""
        self.jobs.append(job)
        if job.config["job"] == "plan":
            return JobResult([self._plan_row() for _ in range(job.num_records)])
        rows = pl.read_parquet(job.config["seed_config"]["source"]["path"]).to_dicts()
        self.seeds.append(rows)
        refine_pass = int(job.name.rpartition("_")[2]) if job.config["job"] == "refine" else 0
        answers = [self._answer(row, refine_pass) for row in rows]
        lost = {place: LostRow("trade", "no JSON") for place, answer in enumerate(answers) if answer is None}
        return JobResult([answer for answer in answers if answer is not None], lost)

    def _plan_row(self) -> dict[str, Any]:
        self._planned += 1
        return {
            "session_date": "2024-03-05",
            "variation": self._planned,
            "target_volatility": 0.5,
            "gold_examples": "```json\n[]\n```",
            "gold_examples__ids": ["gold-0001", "gold-0002", "gold-0003"],
        }

    def _answer(self, row: dict[str, Any], refine_pass: int) -> dict[str, Any] | None:
        self._log.write_request(Request(self._log.get_job(), row["row_id"], "trade", "generator", "m"), 0.1, 60, 40)
        fate = self._decide(row["variation"], refine_pass)
        if fate == "lose":
            return None
        price = 50.0 if fate == "copy" else 100.0 + row["variation"]
        score = 2 if fate == "criticise" else 5
        verdict = {"reasoning": "exit_price is far off", "score": score}
        violation = {"rule": "exit_sign", "fields": ["exit_price"], "message": "exit_price is wrong"}
        answer = row | {
            "trade": make_trade(price),
            "trade_checks": {"passed": fate != "break", "violations": [violation] if fate == "break" else []},
            "judge": None if fate == "break" else dict.fromkeys(("realism", "consistency", "completeness"), verdict),
        }
        return answer | ({"trade__edits": "[{}]", "trade__undone": ["ticker"]} if refine_pass else {})


def make_trade(entry_price: float) -> dict[str, Any]:
    """Make the core fields of a trade that is told from others by its entry price."""
    return {
        "ticker": "NVDA",
        "trade_type": "buy",
        "entry_time": "10:00:00",
        "exit_time": "10:20:00",
        "entry_price": entry_price,
        "exit_price": entry_price,
        "entry_volatility_percent": 0.5,
        "worst_exit_percent": -0.4,
        "best_exit_percent": 0.6,
    }


@pytest.fixture(scope="session")
def offline() -> Profile:
    """Give the shipped profile `offline`."""
    return load_profile("offline")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    """Give the log of an empty run."""
    with EventLog(tmp_path / "events.jsonl", lambda _: None) as log:
        yield log


@pytest.fixture
def compiled() -> CompiledProfile:
    """Give jobs that only a scripted backend understands."""
    return COMPILED


@pytest.fixture
def scripted(log: EventLog) -> Callable[[Decide], ScriptedBackend]:
    """Give a maker of backends that do as a test says."""
    return lambda decide: ScriptedBackend(decide, log)
