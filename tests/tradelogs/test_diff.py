"""`tradelogs diff`: runs that are the same, that differ by chance, and that differ by a fault planted in one."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import Result

from verification.compare.answers import pair_answers
from verification.compare.compare import compare_runs
from verification.compare.sides import read_side

Cli = Callable[..., Result]
Change = Callable[[Path], None]
LEFT_OUT = shutil.ignore_patterns(
    "artifacts", "bars.parquet", "holdout_bars.parquet", "trace", "rounds", "hashes.jsonl"
)


@pytest.fixture
def copied(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "other", ignore=LEFT_OUT))


def change_ledger(folder: Path, *changed: pl.Expr) -> None:
    ledger = pl.read_parquet(folder / "ledger.parquet")
    ledger.with_columns(*changed).write_parquet(folder / "ledger.parquet")


def change_yaml(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = yaml.safe_load((folder / "profile.yaml").read_text())
    change(document)
    (folder / "profile.yaml").write_text(yaml.safe_dump(document))


def reject_every_second(folder: Path) -> None:
    odd = pl.int_range(pl.len()) % 2 == 1
    change_ledger(folder, pl.when(odd).then(pl.lit("rejected")).otherwise("status").alias("status"))


def test_a_run_beside_itself_is_the_same(cli: Cli, run_folder: Path, copied: Path) -> None:
    said = cli("diff", run_folder, copied, "--fail-on", "worse")
    assert said.exit_code == 0
    assert "nothing was changed" in said.output
    assert "B is: the same" in said.output


def test_a_run_that_accepts_half_is_worse_and_fails(cli: Cli, run_folder: Path, copied: Path) -> None:
    reject_every_second(copied)
    said = cli("diff", run_folder, copied, "--fail-on", "worse")
    assert said.exit_code == 4
    assert "B is: worse" in said.output
    assert "accepted" in said.output.split("worse by ")[1]
    assert cli("diff", run_folder, copied).exit_code == 0
    back = cli("diff", copied, run_folder, "--fail-on", "worse")
    assert (back.exit_code, "B is: better" in back.output) == (0, True)


def test_a_difference_within_chance_cannot_be_told(run_folder: Path, copied: Path) -> None:
    first = pl.int_range(pl.len()) == 0
    change_ledger(copied, pl.when(first).then(pl.lit("rejected")).otherwise("status").alias("status"))
    assert compare_runs(run_folder, copied).overall == "cannot be told"


def test_what_was_changed_is_listed_by_content(cli: Cli, run_folder: Path, copied: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["models"]["judge"]["model"] = "another"
        document["controls"] = document["controls"][1:]
        document["description"] = "no row hangs on it"

    change_yaml(copied, change)
    provenance = json.loads((copied / "provenance.json").read_text())
    provenance["versions"]["polars"] = "0.0"
    gold = provenance["sha256"].pop("gold_data/sample/trades.csv")
    provenance["sha256"]["elsewhere/trades.csv"] = gold
    provenance["sha256"]["columns/trade_log/judge.yaml"] = "0" * 64
    (copied / "provenance.json").write_text(json.dumps(provenance))
    said = json.loads(cli("diff", run_folder, copied, "--json").output)
    named = {(change["kind"], change["name"]) for change in said["changes"]}
    assert named == {
        ("profile", "models.judge.model"),
        ("profile", "controls.target_volatility"),
        ("version", "polars"),
        ("column", "columns/trade_log/judge.yaml"),
    }


def test_the_ledger_that_was_judged_again_is_no_change(run_folder: Path, copied: Path) -> None:
    provenance = json.loads((copied / "provenance.json").read_text())
    provenance["sha256"][str(run_folder / "ledger.parquet")] = "0" * 64
    (copied / "provenance.json").write_text(json.dumps(provenance))
    assert len(compare_runs(run_folder, copied).changes) == 1
    (copied / "provenance.json").write_text(json.dumps(provenance | {"rejudged_from": str(run_folder)}))
    assert compare_runs(run_folder, copied).changes == []


def test_no_run_is_named_as_such_and_one_that_was_begun_may_go_on(cli: Cli, run_folder: Path, copied: Path) -> None:
    nowhere = cli("diff", run_folder, copied.with_name("nowhere"))
    assert (nowhere.exit_code, "resume" in nowhere.output) == (2, False)
    assert "nowhere is no finished run: there is no such folder. Name the folder" in nowhere.output
    (copied / "ledger.parquet").unlink()
    begun = cli("diff", run_folder, copied)
    assert (begun.exit_code, "ledger.parquet is missing. Go on with it: tradelogs resume" in begun.output) == (2, True)


def test_scores_of_another_judge_are_not_compared(run_folder: Path, copied: Path) -> None:
    change_yaml(copied, lambda document: document["models"]["judge"].update(model="another"))
    compared = compare_runs(run_folder, copied)
    assert not {"accepted", "realism, mean"} & {measure.name for measure in compared.measures}
    assert any("the judge is not the same" in note for note in compared.notes)


def test_verdicts_on_other_gold_are_not_compared(run_folder: Path, copied: Path) -> None:
    train = pl.read_parquet(copied / "gold/train.parquet")
    train.head(5).write_parquet(copied / "gold/train.parquet")
    compared = compare_runs(run_folder, copied)
    assert (list(compared.answers), any("gold is not the same" in note for note in compared.notes)) == ([], True)


def report(folder: Path, overall: str, answers: list[Mapping[str, Any]]) -> None:
    metrics = {"run": {"synthetic": 60}, "overall": {"verdict": overall}, "answers": answers}
    (folder / "metrics.json").write_text(json.dumps(metrics))


def answer(verdict: str, text: str) -> Mapping[str, Any]:
    return {"question": "diversity", "verdict": verdict, "numbers": [["coverage", text]], "metrics": {}}


@pytest.mark.parametrize(
    ("verdicts", "texts", "told"),
    [
        (("good", "underfit"), ("42.4% [37.7, 47.2]", "31.9% [27.6, 36.5]"), ["worse", "worse"]),
        (("good", "underfit"), ("42.4% [37.7, 47.2]", "39.9% [34.6, 43.5]"), ["worse", "cannot be told"]),
        (("underfit", "good"), ("12% [10, 14]", "42.4% [37.7, 47.2]"), ["better", "better"]),
        (("good", "cannot tell"), ("42% [37, 47]", "2% [1, 3]"), ["cannot be told", "cannot be told"]),
        (("good", "good"), ("42% [37, 47]", "99% [98, 99]"), ["cannot be told", "cannot be told"]),
    ],
)
def test_verdicts_tell_where_they_differ_and_their_numbers_do(
    run_folder: Path, copied: Path, tmp_path: Path, verdicts: tuple[str, str], texts: tuple[str, str], told: list[str]
) -> None:
    first = Path(shutil.copytree(copied, tmp_path / "first"))
    for folder, verdict, text in zip((first, copied), verdicts, texts, strict=True):
        report(folder, verdict, [answer(verdict, text)])
    assert [pair.judgement for pair in pair_answers(read_side(first), read_side(copied))] == told


def test_markdown_has_a_table_for_each_part(cli: Cli, run_folder: Path, copied: Path) -> None:
    reject_every_second(copied)
    said = cli("diff", run_folder, copied, "--md").output
    assert said.startswith("**B is: worse.**")
    assert "#### compared\n\n|  | A | B | B less A | B is |" in said


@pytest.mark.parametrize("name", ["ledger.parquet", "usage.json", "provenance.json", "profile.yaml"])
def test_a_run_that_is_not_finished_is_bad_input(cli: Cli, run_folder: Path, copied: Path, name: str) -> None:
    (copied / name).unlink()
    said = cli("diff", run_folder, copied)
    assert (said.exit_code, f"{name} is missing" in said.output) == (2, True)


def test_two_forms_at_once_are_bad_input(cli: Cli, run_folder: Path) -> None:
    said = cli("diff", run_folder, run_folder, "--md", "--json")
    assert (said.exit_code, "name one of --md and --json" in said.output) == (2, True)


@pytest.mark.parametrize("name", ["ledger.parquet", "usage.json", "provenance.json"])
def test_a_damaged_run_is_bad_input(cli: Cli, run_folder: Path, copied: Path, name: str) -> None:
    (copied / name).write_bytes(b"\x00garbage")
    said = cli("diff", run_folder, copied)
    assert (said.exit_code, "cannot be read" in said.output) == (2, True)
