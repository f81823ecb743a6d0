"""What a whole run comes to, and what a person is told, when the provider fails."""

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result

from offline_model.answer import answer_messages

from .conftest import RunFaulty
from .endpoint import FAULTLESS, Asked, Endpoint, Reply, answer_well, fail, say

SCORES = ("realism", "consistency", "completeness")
MANY = {"run.max_candidates": 4_000}
SPARE = {"model": "spare-generator"}


def score_all(score: int) -> Callable[[Asked], Reply | None]:
    judgement = {name: {"reasoning": "as it is: entry_price", "score": score} for name in SCORES}
    return lambda asked: say(f"```json\n{json.dumps(judgement)}\n```") if asked.role == "judge" else None


def read_ledger(folder: Path) -> pl.DataFrame:
    ledger = pl.read_parquet(folder / "ledger.parquet")
    planned = pl.concat([pl.read_parquet(path)["row_id"] for path in folder.glob("rounds/*/plan.parquet")])
    assert sorted(ledger["row_id"]) == sorted(planned)
    return ledger


def count_statuses(folder: Path) -> dict[str, int]:
    return dict(read_ledger(folder)["status"].value_counts().rows())


def test_run_gives_exactly_what_was_asked(endpoint: Endpoint, run_faulty: RunFaulty) -> None:
    endpoint.script = lambda asked: fail(400) if asked.role == "judge" and asked.row % 3 == 1 else None
    result, folder = run_faulty(30)
    assert result.exit_code == 0, result.output
    statuses = count_statuses(folder)
    assert statuses["accepted"] == 30 == pl.read_parquet(folder / "accepted.parquet").height
    assert statuses["failed"] > 0


def test_provider_that_stays_down_stops_the_run_which_then_goes_on(
    endpoint: Endpoint, run_faulty: RunFaulty, cli: Callable[..., Result]
) -> None:
    endpoint.script = lambda asked: fail(503, "maintenance") if asked.number > 15 else None
    result, folder = run_faulty(12)
    assert result.exit_code == 1
    assert "does not answer, it is waited for; it said: HTTP 503: maintenance" in result.output
    assert f"the provider faulty at {endpoint.url} has not answered for run.patience_minutes" in result.stderr
    assert f"Go on with it: tradelogs resume {folder}" in result.stderr
    assert "Traceback" not in result.output
    assert json.loads((folder / "usage.json").read_text())["requests"] == len(endpoint.asked)
    assert pl.read_parquet(folder / "ledger.parquet").height < 12
    endpoint.script = lambda _: None
    assert cli("resume", folder).exit_code == 0
    assert count_statuses(folder) == {"accepted": 12}


def test_key_that_is_refused_stops_the_run_before_it_begins(endpoint: Endpoint, run_faulty: RunFaulty) -> None:
    endpoint.script = lambda _: fail(401, "that key is unknown")
    result, folder = run_faulty(12)
    assert result.exit_code == 1
    assert "does not answer as it should" in result.stderr
    assert len(endpoint.asked) == 1
    assert not folder.exists()


def test_key_that_is_withdrawn_stops_the_run_at_once(endpoint: Endpoint, run_faulty: RunFaulty) -> None:
    endpoint.script = lambda asked: fail(403, "withdrawn") if asked.number > 10 else None
    result, folder = run_faulty(12)
    assert result.exit_code == 1
    assert "HTTP 403: withdrawn" in result.stderr
    assert f"tradelogs resume {folder}" in result.stderr


def test_model_that_begins_to_refuse_every_request_stops_the_run_which_then_goes_on(
    endpoint: Endpoint, run_faulty: RunFaulty, cli: Callable[..., Result]
) -> None:
    result, folder = run_faulty(40)
    undisturbed = pl.read_parquet(folder / "accepted.parquet")
    shutil.rmtree(folder)
    began = len(endpoint.asked)
    endpoint.script = lambda asked: fail(400, "account closed") if asked.number > began + 30 else None
    result, folder = run_faulty(40)
    assert result.exit_code == 1, result.output
    assert "refused 20 requests in a row; the last: HTTP 400: account closed" in result.stderr
    assert len(endpoint.asked) < began + 30 + 80
    endpoint.script = lambda _: None
    assert cli("resume", folder).exit_code == 0
    assert count_statuses(folder) == {"accepted": 40}
    assert pl.read_parquet(folder / "accepted.parquet").equals(undisturbed)


def test_fallback_stands_in_and_the_ledger_says_so(endpoint: Endpoint, run_faulty: RunFaulty) -> None:
    endpoint.script = lambda asked: fail(503) if asked.model == "rehearsal-generator" and asked.number > 2 else None
    result, folder = run_faulty(12, {"models.generator.fallback": SPARE, "trace": "full"})
    assert result.exit_code == 0, result.output
    assert "spare-generator stands in for the generator" in result.output
    ledger = read_ledger(folder)
    assert set(ledger["model"]) == {"spare-generator"}
    assert set(ledger["judge_model"]) == {"rehearsal-judge"}
    used = {group["model"]: group["requests"] for group in json.loads((folder / "usage.json").read_text())["by_model"]}
    assert used["spare-generator"] == endpoint.count(model="spare-generator") == 12
    with gzip.open(folder / "trace/001_generate.jsonl.gz", "rt") as file:
        answers = [entry for entry in map(json.loads, file) if "answer" in entry]
    assert {entry["model"] for entry in answers} == {"spare-generator", "rehearsal-judge"}
    assert all(entry["seconds"] > 0 for entry in answers)


def test_model_that_is_unknown_has_its_fallback_from_the_start(endpoint: Endpoint, run_faulty: RunFaulty) -> None:
    endpoint.script = lambda asked: fail(404, "no such model") if asked.model == "rehearsal-judge" else None
    result, folder = run_faulty(6, {"models.judge.fallback": {"model": "spare-judge"}})
    assert result.exit_code == 0, result.output
    assert set(read_ledger(folder)["judge_model"]) == {"spare-judge"}
    assert endpoint.count(model="rehearsal-judge") == 1


def test_model_that_always_fails_the_checks_ends_after_three_rounds(endpoint: Endpoint, run_faulty: RunFaulty) -> None:
    def break_rule(asked: Asked) -> Reply | None:
        if asked.role == "judge":
            return None
        trade = re.sub(
            r'"exit_time": "[^"]*"', '"exit_time": "23:00:00"', answer_messages(asked.messages, FAULTLESS).text
        )
        return say(trade)

    endpoint.script = break_rule
    result, folder = run_faulty(5, MANY)
    assert result.exit_code == 3
    assert "none of 15 candidates was accepted" in result.output
    assert "not accepted: " in result.output
    assert "session_hours" in result.output
    assert count_statuses(folder) == {"rejected": 15}
    assert endpoint.count(role="judge") == 0


def test_judge_that_always_says_5_is_named(endpoint: Endpoint, run_faulty: RunFaulty) -> None:
    endpoint.script = score_all(5)
    result, folder = run_faulty(25)
    assert result.exit_code == 0, result.output
    assert "the judge gave each of 25 rows the same scores" in result.output
    assert count_statuses(folder) == {"accepted": 25}


def test_judge_that_always_says_1_ends_the_run_after_three_rounds(endpoint: Endpoint, run_faulty: RunFaulty) -> None:
    endpoint.script = score_all(1)
    result, folder = run_faulty(7, MANY)
    assert result.exit_code == 3
    assert "the judge gave each of 21 rows the same scores" in result.output
    assert "21 x realism" in result.output
    assert count_statuses(folder) == {"rejected": 21}


def test_run_that_begins_in_vain_ends_with_its_first_round(
    endpoint: Endpoint, run_faulty: RunFaulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refine_loop.budget.FIRST_ROUND", 4)
    endpoint.script = lambda asked: fail(400) if asked.role == "generator" else None
    result, folder = run_faulty(50)
    assert result.exit_code == 3
    assert count_statuses(folder) == {"failed": 4}
    assert "4 x no usable answer for trade" in result.output


PRICE = {"prompt_per_million": 1, "completion_per_million": 1}
PRICES = {"models": {f"rehearsal-{role}": PRICE for role in ("generator", "judge", "refiner")}}
CAPS: list[tuple[dict[str, Any], str]] = [
    ({"run.max_tokens": 8_000}, "max_tokens"),
    ({"run.max_cost": 0.008, "prices": PRICES}, "max_cost"),
    ({"run.max_minutes": 0.1}, "max_minutes"),
]


@pytest.mark.parametrize(("changes", "cap"), CAPS, ids=[cap for _, cap in CAPS])
def test_cap_within_a_job_ends_the_run_with_what_there_is(
    endpoint: Endpoint, run_faulty: RunFaulty, changes: dict[str, Any], cap: str
) -> None:
    slow = cap == "max_minutes"
    endpoint.script = lambda asked: Reply(answer_well(asked).body, wait=2.0 * slow) if asked.number > 2 else None
    result, folder = run_faulty(60, changes)
    assert result.exit_code == 3, result.output
    assert f"the cap run.{cap} was reached" in result.output
    ledger = read_ledger(folder)
    unfinished = ledger.filter(pl.col("reason") == f"not finished: the cap run.{cap} was reached")
    assert 0 < unfinished.height < 60
    assert set(unfinished["status"]) == {"failed"}
    if not slow:
        assert len(endpoint.asked) < 75 + 40  # 73 reach the cap, and those under way are awaited
    assert ledger["requests"].sum() == len(endpoint.asked) - 3  # the first three ask whether the models are there
