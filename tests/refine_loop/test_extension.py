"""A run that has ended goes on: to more rows, under other caps, by the same law, in one ledger."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result

from columns.checks.losses import NOT_NEEDED
from columns.declared import read_declared
from designer_configs.compile.checks.project import PROJECT_ROOT
from refine_loop.extension import take_back_surplus
from refine_loop.rounds import Rounds
from refine_loop.state import build_candidate_schema

Cli = Callable[..., Result]
TRADE_LOG = read_declared(PROJECT_ROOT / "columns/trade_log")


def write_round(folder: Path, number: int, rows: list[tuple[str, str | None]]) -> Rounds:
    schema = build_candidate_schema(TRADE_LOG)
    candidates: list[dict[str, Any]] = [
        {**dict.fromkeys(schema), "row_id": f"{number}-{place}", "round": number, "status": status, "reason": reason}
        for place, (status, reason) in enumerate(rows)
    ]
    rounds = Rounds(folder, TRADE_LOG)
    rounds.write_settled(number, candidates)
    return rounds


def read_statuses(folder: Path) -> list[str]:
    return [
        row["status"] for path in sorted(folder.glob("*/settled.parquet")) for row in pl.read_parquet(path).to_dicts()
    ]


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [(2, "aarr"), (3, "aaar"), (4, "aaar"), (9, "aaar")],
)
def test_rows_that_were_not_needed_count_again_in_their_order(tmp_path: Path, wanted: int, kept: str) -> None:
    write_round(tmp_path, 1, [("accepted", None)])
    rounds = write_round(
        tmp_path, 2, [("accepted", None), ("rejected", NOT_NEEDED), ("rejected", f"[realism 2/5] ({NOT_NEEDED})")]
    )
    assert take_back_surplus(rounds, tmp_path, wanted) == kept.count("a")
    assert "".join(status[0] for status in read_statuses(tmp_path)) == kept
    assert take_back_surplus(rounds, tmp_path, wanted) == kept.count("a")  # once more changes nothing


@pytest.fixture(scope="module")
def extended(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """Run 8 rows, keep a copy, and go on to 16."""
    folder = tmp_path_factory.mktemp("extended") / "run"
    assert cli("generate", "offline", "--num", 8, "--out", folder).exit_code == 0
    before = Path(shutil.copytree(folder, folder.with_name("before")))
    return before, folder, cli("resume", folder, "--num", 16)


def test_a_finished_run_goes_on_to_more_rows(extended: tuple[Path, Path, Result]) -> None:
    before, after, said = extended
    assert said.exit_code == 0, said.output
    first, second = (pl.read_parquet(folder / "accepted.parquet") for folder in (before, after))
    assert (first.height, second.height) == (8, 16)
    assert second.head(8).equals(first)
    assert second["row_id"].is_unique().all()


def test_the_ledger_is_one_and_each_request_was_sent_once(extended: tuple[Path, Path, Result]) -> None:
    before, after, _ = extended
    ledgers = [pl.read_parquet(folder / "ledger.parquet") for folder in (before, after)]
    assert ledgers[1].head(ledgers[0].height).drop("status", "reason").equals(ledgers[0].drop("status", "reason"))
    planned = pl.concat([pl.read_parquet(path)["row_id"] for path in sorted(after.glob("rounds/*/plan.parquet"))])
    assert sorted(planned) == sorted(ledgers[1]["row_id"])
    events = [json.loads(line) for line in (after / "events.jsonl").read_text().splitlines()]
    asked = [
        (e["job"], e["row_id"], e["column"], e["number"]) for e in events if e["event"] == "request" and e["row_id"]
    ]
    assert len(asked) == len(set(asked))


def test_what_it_went_on_with_is_appended_to_its_provenance(extended: tuple[Path, Path, Result]) -> None:
    before, after, _ = extended
    old, new = (json.loads((folder / "provenance.json").read_text()) for folder in (before, after))
    (note,) = new.pop("went_on")
    assert old == new
    assert note["changed"]["run.accepted"] == {"from": 8, "to": 16}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num", 8], "asks for 16 rows already"),
        (["--set", "run.seed=9"], "was begun with another run.seed"),
        (["--set", "acceptance.realism=2"], "was begun with another acceptance.realism"),
        (["--set", "run.max_tokns=9"], "did you mean max_tokens"),
        (["--num", 0], "0 is not in the range"),
    ],
)
def test_another_law_or_fewer_rows_are_refused_and_change_nothing(
    cli: Cli, extended: tuple[Path, Path, Result], arguments: list[object], message: str
) -> None:
    folder = extended[1]
    before = {path: path.read_bytes() for path in folder.glob("*.*") if path.is_file()}
    said = cli("resume", folder, *arguments)
    assert (said.exit_code, message in said.output) == (2, True), said.output
    assert before == {path: path.read_bytes() for path in folder.glob("*.*") if path.is_file()}


def test_a_run_that_a_cap_ended_goes_on_under_a_higher_one(cli: Cli, tmp_path: Path) -> None:
    caps = ["--set", "run.accepted=8", "--set", "run.max_candidates=8", "--set", "run.refine_passes=0"]
    assert cli("generate", "offline", *caps, "--out", tmp_path / "run").exit_code == 3
    assert cli("resume", tmp_path / "run").exit_code == 3
    said = cli("resume", tmp_path / "run", "--set", "run.max_candidates=40")
    assert said.exit_code == 0, said.output
    assert pl.read_parquet(tmp_path / "run/accepted.parquet").height == 8
