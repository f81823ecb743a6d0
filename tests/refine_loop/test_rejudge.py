"""Rows of a finished run are judged again: the drafts stand, the verdicts are new, and their agreement is measured."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from click.testing import Result
from sklearn.metrics import cohen_kappa_score

from columns.declared import STAGES
from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.native import CompiledProfile
from designer_configs.compile.profile import load_profile
from refine_loop.agreement import compare_verdicts, measure_kappa
from refine_loop.rejudge import build_judging, keep_law

Cli = Callable[..., Result]
CRITERIA = ("realism", "consistency", "completeness")
OTHER_JUDGE = ("--set", "models.judge.model=rehearsal-judge-2")


def read_requests(folder: Path) -> list[dict[str, object]]:
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [event for event in events if event["event"] == "request" and event["row_id"]]


def test_another_acceptance_asks_nobody_and_decides_by_the_scores_that_stand(
    cli: Cli, run_folder: Path, tmp_path: Path
) -> None:
    said = cli(
        "rejudge", run_folder, "--profile", "offline", "--set", "acceptance.realism=5", "--out", tmp_path / "new"
    )
    assert said.exit_code == 0, said.output
    old, new = (pl.read_parquet(folder / "ledger.parquet") for folder in (run_folder, tmp_path / "new"))
    judged = old.filter(pl.col("realism").is_not_null())
    expected = judged.filter(pl.col("realism") >= 5, pl.col("consistency") >= 4, pl.col("completeness") >= 4)
    assert read_requests(tmp_path / "new") == []
    assert sorted(new.filter(status="accepted")["row_id"]) == sorted(expected["row_id"])
    assert new.select("row_id", "generated_row", "edits").equals(old.select("row_id", "generated_row", "edits"))
    assert set(pl.read_parquet(tmp_path / "new/bars.parquet")["row_id"]) == set(expected["row_id"])


def test_another_judge_is_asked_once_a_row_and_nobody_else(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    said = cli("rejudge", run_folder, "--profile", "offline", *OTHER_JUDGE, "--out", tmp_path / "new")
    assert said.exit_code == 0, said.output
    old, new = (pl.read_parquet(folder / "ledger.parquet") for folder in (run_folder, tmp_path / "new"))
    requests = read_requests(tmp_path / "new")
    assert {request["role"] for request in requests} == {"judge"}
    assert {str(request["row_id"]) for request in requests} <= set(old["row_id"])
    assert new.select("row_id", "generated_row").equals(old.select("row_id", "generated_row"))
    kept = json.loads((tmp_path / "new/rejudged.json").read_text())
    assert (kept["from"], sum(row[2] for row in kept["table"])) == (str(run_folder), old.height)
    refused = cli("resume", tmp_path / "new")
    assert (refused.exit_code, "judged again" in refused.output) == (2, True)


def test_what_made_the_rows_stays_whatever_the_other_profile_says(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    shipped = (PROJECT_ROOT / "designer_configs/offline.yaml").read_text()
    other = shipped.replace("- session_period", "- setup").replace("model: rehearsal-generator", "model: another")
    other = re.sub(r"(?m)^gold:.*$", "gold: {trades: nowhere.csv}", other).replace("{realism: 4", "{realism: 5")
    (tmp_path / "other.yaml").write_text(other)
    said = cli("rejudge", run_folder, "--profile", tmp_path / "other.yaml", "--out", tmp_path / "new")
    assert said.exit_code == 0, said.output
    then, now = (yaml.safe_load((folder / "profile.yaml").read_text()) for folder in (run_folder, tmp_path / "new"))
    assert now["acceptance"]["realism"] == 5
    for key in ("controls", "form", "gold", "indicators", "market"):
        assert now.get(key) == then.get(key), key
    assert [now["models"][role] for role in ("generator", "refiner")] == [
        then["models"][role] for role in ("generator", "refiner")
    ]
    old, new = (pl.read_parquet(folder / "ledger.parquet") for folder in (run_folder, tmp_path / "new"))
    assert new.select("row_id", "model").equals(old.select("row_id", "model"))


@pytest.mark.parametrize(("changes", "stays"), [([], True), (["gold.disguise=false"], False)])
def test_a_disguise_is_taken_off_by_the_command_line_alone(changes: list[str], stays: bool) -> None:
    before = load_profile("offline", {"sets": ["gold.disguise=true"]})
    kept = keep_law(before, load_profile("offline", {"sets": changes}), 10)
    assert (kept.gold.disguise, kept.document["gold"]["disguise"]) == (stays, stays)


def test_rows_that_are_texts_are_judged_again_too(cli: Cli, tmp_path: Path) -> None:
    few = ("--set", "tickers=[SIM1]", "--set", "end_date='2024-10-11'")
    assert cli("generate", "vpa_offline", "--num", 3, *few, "--out", tmp_path / "old").exit_code == 0
    said = cli("rejudge", tmp_path / "old", "--set", "models.judge.model=other", "--out", tmp_path / "new")
    assert said.exit_code == 0, said.output
    old, new = (pl.read_parquet(tmp_path / name / "ledger.parquet") for name in ("old", "new"))
    assert new.select("row_id", "status", "generated_row").equals(old.select("row_id", "status", "generated_row"))
    assert json.loads((tmp_path / "new/provenance.json").read_text())["profile"] == "vpa_offline"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "vpa_offline"], "the profile makes others"),
        (["--profile", "offlin"], "did you mean offline"),
        (["--set", "acceptance.realism=9"], "at most 5"),
        (["--set", "gold.holdout=0.3"], "have their gold.holdout already"),
        (["--set", "models.generator.model=x"], "have their models.generator.model already"),
        (["--set", "indicators=[]"], "have their indicators already"),
        (["--profile", "offline"], "a copy would come of it"),
    ],
)
def test_what_cannot_be_judged_is_bad_input_and_leaves_nothing(
    cli: Cli, run_folder: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    said = cli("rejudge", run_folder, *arguments, "--out", tmp_path / "new")
    assert (said.exit_code, message in said.output) == (2, True), said.output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("provenance.json", text) for text in (None, "[]", "{")),
        *(("gold/facts.json", text) for text in (None, "{")),
        *((name, text) for name in ("gold/train.parquet", "rounds/001/plan.parquet") for text in (None, "x")),
        ("rounds/001/settled.parquet", "x"),
    ],
)
def test_a_damaged_run_is_bad_input_and_leaves_nothing(
    cli: Cli, run_folder: Path, tmp_path: Path, name: str, content: str | None
) -> None:
    old = tmp_path / "old"
    for kept in ("profile.yaml", "provenance.json", "ledger.parquet", "gold", "rounds"):
        (shutil.copytree if (run_folder / kept).is_dir() else copy_file)(run_folder / kept, old / kept)
    (old / name).unlink()
    if content is not None:
        (old / name).write_text(content)
    said = cli("rejudge", old, "--set", "acceptance.realism=5", "--out", tmp_path / "new")
    assert (said.exit_code, "is damaged" in said.output) == (2, True), said.output
    assert not (tmp_path / "new").exists()


def copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.copy(source, target)


def test_a_folder_in_use_is_refused(cli: Cli, run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    said = cli("rejudge", run_folder, "--profile", "offline", "--out", tmp_path)
    assert (said.exit_code, (tmp_path / "mine.txt").exists()) == (2, True)


def test_kappa_is_cohens() -> None:
    old, new = pl.Series([1, 1, 0, 0, 1, 0, 1, 1]), pl.Series([1, 0, 0, 0, 1, 1, 1, 1])
    measured = measure_kappa("accepted", old, new)
    assert measured.kappa == pytest.approx(cohen_kappa_score(old.to_numpy(), new.to_numpy()))
    assert (measured.same, measured.rows) == (6, 8)
    assert measured.low is not None
    assert measured.low <= 0.47 <= (measured.high or 0)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_of_scores_has_quadratic_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    old = rng.choice([1, 3, 4, 5], 40)
    new = np.where(rng.random(40) < 0.6, old, rng.integers(1, 6, 40))
    theirs = cohen_kappa_score(old, new, weights="quadratic")
    assert measure_kappa("realism", pl.Series(old), pl.Series(new)).kappa == pytest.approx(theirs)


def test_kappa_of_what_never_varies_is_unknown() -> None:
    assert measure_kappa("accepted", pl.Series([1, 1]), pl.Series([1, 1])).kappa is None


def test_agreement_counts_every_row_and_scores_only_what_was_scored_twice() -> None:
    old = pl.DataFrame(
        {"row_id": ["a", "b", "c"], "status": ["accepted", "accepted", "failed"], "realism": [5, 3, None]}
    )
    new = pl.DataFrame({"row_id": ["a", "b", "c"], "status": ["accepted", "rejected", "failed"], "realism": [5, 2, 4]})
    found = compare_verdicts(old, new, ("realism", "warmth"))
    assert found.table == [("accepted", "accepted", 1), ("accepted", "rejected", 1), ("failed", "failed", 1)]
    assert [(kappa.name, kappa.rows) for kappa in found.kappas] == [("accepted", 3), ("realism", 2)]


@pytest.mark.parametrize(
    "name", ["offline", "vpa_offline", "advisor_offline", "strategy_offline", "stock_report_offline"]
)
def test_of_each_dataset_the_judge_alone_is_asked_again(name: str) -> None:
    profile = load_profile(name)
    stages = {stage: {"columns": [*profile.dataset.list_stage(stage)]} for stage in STAGES}
    compiled = CompiledProfile({}, stages["plan"], stages["generate"], stages["refine"], [])
    asked = [column["name"] for column in build_judging(compiled, profile)["columns"] if "model_alias" in column]
    assert asked == [profile.dataset.judge]
