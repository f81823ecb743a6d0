"""`tradelogs runs` and `tradelogs show`, on the small run and on folders in every state."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result
from rich.table import Table
from rich.text import Text

from refine_loop.record.runs import is_running, read_line
from refine_loop.run_lock import lock_folder
from tradelogs.bars_chart import draw_bars
from tradelogs.runs_display import print_table, write_age
from tradelogs.terminal import CleanConsole

Cli = Callable[..., Result]
LEFT_OUT = shutil.ignore_patterns("gold", "artifacts", "bars.parquet", "checkpoints.sqlite", "hashes.jsonl")


@pytest.fixture
def copied(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "runs" / "mine-20260102T030405Z", ignore=LEFT_OUT))


def test_runs_lists_a_finished_run_with_its_counts(cli: Cli, copied: Path) -> None:
    said = cli("runs", copied.parent)
    assert said.exit_code == 0
    assert said.output.split("\n")[1].split()[:6] == [copied.name, "rehearsal", "complete", "60", "of", "60"]


def test_runs_of_a_runs_own_folder_lists_it(cli: Cli, copied: Path) -> None:
    result = cli("runs", copied, "--json")
    assert [json.loads(line)["folder"] for line in result.stdout.splitlines()] == [str(copied)]


def test_runs_as_json_gives_an_object_a_line(cli: Cli, copied: Path) -> None:
    (line,) = [json.loads(text) for text in cli("runs", copied.parent, "--json").output.splitlines()]
    usage = json.loads((copied / "usage.json").read_text())
    assert (line["folder"], line["state"], line["dataset"]) == (str(copied), "complete", "trade_log")
    assert line["candidates"] == line["accepted"] + line["rejected"] + line["failed"]
    assert line["tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert datetime.fromisoformat(line["started"]) < datetime.now(UTC)


def test_runs_of_a_folder_without_any_says_how_to_make_one(cli: Cli, tmp_path: Path) -> None:
    assert "no runs in" in cli("runs", tmp_path).output


def test_runs_of_a_folder_that_is_not_there_is_bad_input(cli: Cli, tmp_path: Path) -> None:
    said = cli("runs", tmp_path / "nowhere")
    assert (said.exit_code, "cannot be looked into" in said.output) == (2, True)


def test_state_of_a_run_that_a_process_is_at_work_in(copied: Path) -> None:
    with lock_folder(copied):
        assert (copied / "run.lock").read_text() == f"{os.getpid()}\n"
        assert read_line(copied).state == "running"
    assert read_line(copied).state == "complete"


def test_state_of_a_run_that_was_cut(copied: Path) -> None:
    lines = (copied / "events.jsonl").read_text().splitlines()
    (copied / "events.jsonl").write_text(
        "\n".join(line for line in lines if "run_finished" not in line) + '\n{"at": "2'
    )
    line = read_line(copied)
    assert (line.state, line.accepted) == ("stopped", 60)


@pytest.mark.parametrize(("stopped_by", "state"), [("max_tokens", "ended early"), ("interrupted", "stopped")])
def test_state_of_a_run_that_ended_early(copied: Path, stopped_by: str, state: str) -> None:
    event = {"at": "2026-01-02T03:04:05+00:00", "event": "run_finished", "stopped_by": stopped_by, "accepted": 3}
    with (copied / "events.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
    assert (read_line(copied).state, read_line(copied).accepted) == (state, 3)


def test_state_of_a_run_that_never_began(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("dataset: trade_log\n")
    assert read_line(tmp_path).state == "not begun"


@pytest.mark.parametrize("name", ["profile.yaml", "usage.json", "provenance.json"])
@pytest.mark.parametrize("content", [b"", b"[1, 2", b"\xff\x00", b"7"])
def test_a_damaged_file_is_named_and_ends_no_list(cli: Cli, copied: Path, name: str, content: bytes) -> None:
    (copied / name).write_bytes(content)
    assert read_line(copied).state == "damaged"
    said = cli("runs", copied.parent)
    assert (said.exit_code, f"cannot be read: {name}" in said.output) == (0, True)


def test_a_verdict_of_fewer_rows_is_not_shown(copied: Path) -> None:
    metrics: dict[str, dict[str, object]] = {"overall": {"verdict": "good"}, "run": {"synthetic": 60}}
    (copied / "metrics.json").write_text(json.dumps(metrics))
    assert read_line(copied).verdict == "good"
    metrics["run"]["synthetic"] = 40
    (copied / "metrics.json").write_text(json.dumps(metrics))
    assert read_line(copied).verdict is None


@pytest.mark.parametrize(("seconds", "said"), [(-5, "0 s"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (2e5, "2 d")])
def test_age_is_written_in_its_largest_unit(seconds: float, said: str) -> None:
    assert write_age(timedelta(seconds=seconds)) == said


def test_show_of_a_run_counts_what_was_criticised(cli: Cli, run_folder: Path) -> None:
    ledger = pl.read_parquet(run_folder / "ledger.parquet")
    said = json.loads(cli("show", run_folder, "--json").output)
    for rule, count in said["criticised"].items():
        critiques = ["\n".join(texts) for texts in ledger["critiques"].to_list()]
        expected = sum(f"- [{rule}" in text for text in critiques)
        assert count == (expected if rule != "lost" else ledger.filter(status="failed").height)


def test_show_lists_the_worst_by_a_criterion_first(cli: Cli, run_folder: Path) -> None:
    listed = json.loads(cli("show", run_folder, "--worst", "realism", "--num", 60, "--json").output)
    scores = [row["realism"] for row in listed]
    assert scores == sorted(scores)
    assert (
        cli("show", run_folder, "--worst", "realism", "--num", 1).output.split("\n")[1].startswith(listed[0]["row_id"])
    )


def test_show_lists_what_a_rule_criticised(cli: Cli, run_folder: Path) -> None:
    rule = next(iter(json.loads(cli("show", run_folder, "--json").output)["criticised"]))
    listed = json.loads(cli("show", run_folder, "--reason", rule, "--json").output)
    assert listed
    assert all(f"[{rule}" in "".join(row["critiques"]) for row in listed)


def test_show_tells_a_mended_candidate_from_draft_to_end(cli: Cli, run_folder: Path) -> None:
    ledger = pl.read_parquet(run_folder / "ledger.parquet")
    mended = ledger.filter(pl.col("refine_passes") > 0, pl.col("status") == "accepted").row(0, named=True)
    said = cli("show", run_folder, mended["row_id"][:12])
    assert said.exit_code == 0
    for part in (mended["row_id"], *mended["gold_example_ids"], "draft", "pass 1", "critique of draft", "/"):
        assert part in said.output
    assert "▲" in said.output
    story = json.loads(cli("show", run_folder, mended["row_id"], "--json").output)
    assert [version["refine_pass"] for version in story["versions"]] == list(range(mended["refine_passes"] + 1))
    assert story["versions"][-1]["row"] == mended["generated_row"]
    assert len([e for e in story["requests"] if e["event"] == "request"]) == mended["requests"]
    assert list(story["seeds"]) == mended["gold_example_ids"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-like-it"], "none of"),
        (["0"], "candidates begin so"),
        (["--worst", "realsm"], "did you mean realism"),
        (["--reason", "weather"], "no candidate was criticised by that name"),
        (["abcd", "--worst", "realism"], "name one of"),
    ],
)
def test_what_cannot_be_shown_is_bad_input(cli: Cli, run_folder: Path, arguments: list[str], message: str) -> None:
    said = cli("show", run_folder, *arguments)
    assert (said.exit_code, message in said.output) == (2, True), said.output


def test_show_of_a_run_without_a_ledger_says_how_to_go_on(cli: Cli, copied: Path) -> None:
    (copied / "ledger.parquet").unlink()
    said = cli("show", copied)
    assert (said.exit_code, f"tradelogs resume {copied}" in said.output) == (2, True)


def test_bars_are_drawn_with_their_range_and_the_moments_below() -> None:
    times = [datetime(2026, 1, 2, 9, minute, tzinfo=UTC) for minute in range(30, 34)]
    bars = pl.DataFrame({"timestamp": times, "high": [2.0, 3, 4, 3], "low": [1.0, 2, 3, 1], "close": [2.0, 3, 4, 1]})
    drawn = draw_bars(bars, {"entry": times[2]}).split("\n")
    assert drawn[0][11:] == "  ● "
    assert drawn[11][11:] == "│  ●"
    assert drawn[12].endswith("▲") or drawn[12].endswith("▲ entry 09:32:00")
    assert drawn[13].endswith("2026-01-02 09:30 to 2026-01-02 09:33, 4 bars")


def test_bars_of_one_price_and_more_bars_than_columns_are_drawn() -> None:
    times = [datetime(2026, 1, 2, 9, 30, tzinfo=UTC) + timedelta(minutes=n) for n in range(500)]
    flat = pl.DataFrame({"timestamp": times, "high": 1.0, "low": 1.0, "close": 1.0})
    for room in (80, 46):
        assert max(map(len, draw_bars(flat, {}, room).split("\n"))) <= room


@pytest.mark.parametrize("width", [50, 80])
def test_a_terminal_too_narrow_for_a_table_gets_all_of_it(capsys: pytest.CaptureFixture[str], width: int) -> None:
    table = Table(box=None)
    for name in ("row_id", "realism", "why"):
        table.add_column(name, no_wrap=True, min_width=30)
    table.add_row("e4894b0bcc138d9c", Text("4"), "[price_range] entry_price 77.67")
    console = CleanConsole()
    console._force_terminal, console.width = True, width
    print_table(table, console)
    said = " ".join(capsys.readouterr().out.split())
    assert said == "row_id e4894b0bcc138d9c, realism 4, why [price_range] entry_price 77.67"


@pytest.mark.parametrize("name", ["run.lock", "profile.yaml", "usage.json", "events.jsonl"])
def test_a_pipe_in_a_files_place_is_not_waited_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "profile.yaml").write_text("dataset: trade_log\n", encoding="utf-8")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    assert read_line(tmp_path).state == ("damaged" if name in ("profile.yaml", "usage.json") else "not begun")


@pytest.mark.parametrize("holder", ["", "x", "9" * 31, "-1"])
def test_a_lock_that_names_no_process_is_nobodys(tmp_path: Path, holder: str) -> None:
    (tmp_path / "run.lock").write_text(holder)
    assert not is_running(tmp_path)
