"""`tradelogs compare-models`: the same planned rows through each, and what can be told of so few."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from refine_loop.errors import RunInputError
from refine_loop.trials import plan_trials
from verification.compare.models import judge_pairs

Cli = Callable[..., Result]


def test_each_choice_of_models_is_a_trial_with_the_prices_of_its_own_models() -> None:
    roles, prices = ["generator=a,b/x", "judge=c"], ["a=1,2", "c=3,4"]
    trials = plan_trials("offline", roles, prices, 12, {"seed": 3})
    assert [trial.label for trial in trials] == ["a-c", "b_x-c"]
    assert [trial.profile.models["generator"].model for trial in trials] == ["a", "b/x"]
    assert [dict(trial.profile.prices.per_million) for trial in trials] == [{"a": (1, 2), "c": (3, 4)}, {"c": (3, 4)}]
    assert {(t.profile.run.accepted, t.profile.run.max_candidates, t.profile.run.seed) for t in trials} == {(12, 12, 3)}


@pytest.mark.parametrize(
    ("roles", "prices", "message"),
    [
        (["generatr=a"], [], "is no role of offline"),
        (["generator=a", "generator=b"], [], "is named twice"),
        (["generator"], [], "needs models"),
        (["generator=a,a"], [], "each once"),
        (["generator=a/b,a:b"], [], "differ in signs alone"),
        (["generator=a"], ["a=cheap"], "MODEL=PROMPT,COMPLETION"),
        (["generator=a"], ["a=-1,2"], "--price a=-1,2: a price is at least 0"),
        (["generator=a"], ["a=1,inf"], "a price is at least 0, and finite"),
        (["generator=a"], ["b=1,2"], "no role asks 'b'; asked: a, rehearsal-judge, rehearsal-refiner"),
    ],
)
def test_a_choice_that_cannot_be_tried_is_bad_input(roles: list[str], prices: list[str], message: str) -> None:
    with pytest.raises(RunInputError, match=message):
        plan_trials("offline", roles, prices, 12, {})


@pytest.mark.parametrize(
    ("won", "lost", "told"),
    [(0, 0, "cannot be told"), (3, 0, "cannot be told"), (9, 0, "better"), (1, 12, "worse"), (10, 8, "cannot be told")],
)
def test_acceptance_of_the_same_rows_is_judged_by_those_that_one_alone_accepted(won: int, lost: int, told: str) -> None:
    first = ["rejected"] * won + ["accepted"] * lost + ["accepted"] * 20
    second = ["accepted"] * won + ["rejected"] * lost + ["accepted"] * 20
    ledgers = [pl.DataFrame({"row_id": [f"r{n}" for n in range(len(s))], "status": s}) for s in (first, second)]
    assert judge_pairs(ledgers[0], ledgers[1], 0.95) == told


def test_models_have_the_same_planned_rows_and_their_answers_are_kept(cli: Cli, tmp_path: Path) -> None:
    arguments = ["--roles", "generator=alpha,beta", "--num", 4, "--out", tmp_path]
    said = cli("compare-models", "offline", *arguments)
    assert said.exit_code == 0, said.output
    plans = [pl.read_parquet(tmp_path / label / "rounds/001/plan.parquet") for label in ("alpha", "beta")]
    assert plans[0].select(sorted(plans[0].columns)).equals(plans[1].select(sorted(plans[1].columns)))
    rows = json.loads((tmp_path / "models.json").read_text())
    assert [(row["label"], row["planned"], row["judgement"]) for row in rows] == [
        ("alpha", 4, None),
        ("beta", 4, "cannot be told"),
    ]
    assert all(list((tmp_path / label / "trace").glob("*.gz")) for label in ("alpha", "beta"))
    again = cli("compare-models", "offline", *arguments)
    assert (again.exit_code, "not empty" in again.output) == (2, True)


def test_no_trial_is_put_into_the_folder_of_a_run(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").touch()
    said = cli("compare-models", "offline", "--roles", "generator=alpha", "--num", 4, "--out", tmp_path)
    assert (said.exit_code, "not empty" in said.output) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["profile.yaml"]


def test_more_rows_than_one_round_plans_are_refused(cli: Cli) -> None:
    said = cli("compare-models", "offline", "--roles", "generator=a", "--num", 601)
    assert (said.exit_code, "600 rows at most" in said.output) == (2, True)
