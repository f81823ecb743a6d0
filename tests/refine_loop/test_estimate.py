"""What an estimate says, without a provider."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from designer_configs.compile.profile import Prices, Profile, load_profile
from refine_loop.estimate import (
    HIGH,
    LOW,
    OFFLINE_SECONDS,
    Estimate,
    Measured,
    _add_up,
    _count_in_flight,
    describe_estimate,
    estimate_run,
)

JOBS = [("generate", "generator"), ("generate", "judge"), ("refine", "refiner"), ("refine", "judge")]
MEASURED = Measured(dict.fromkeys(JOBS, 4000.0), dict.fromkeys(JOBS, 400.0), dict.fromkeys(JOBS, 1.0))


def test_figures_are_those_of_a_hand_count(offline: Profile) -> None:
    profile = replace(offline, run=replace(offline.run, accepted=100, refine_passes=0))
    low = _add_up(profile, MEASURED, LOW)  # a draft and a judgement each, and three short questions
    assert (low.candidates, low.requests) == (100, 203)
    assert (low.prompt_tokens, low.completion_tokens) == (200 * 1000 + round(3 * 34 / 4), 200 * 100)
    assert low.cost is None
    assert low.seconds == pytest.approx(10 * OFFLINE_SECONDS)  # 16 at once, and the three before
    other = replace(profile, provider=replace(profile.provider, name="other"))
    assert _add_up(other, MEASURED, LOW).seconds == 7.0 + 3.0  # 100 requests of one model, 16 at once, 1 s each


def test_high_figures_take_whole_answers_and_the_cap_on_candidates(offline: Profile) -> None:
    profile = replace(offline, run=replace(offline.run, accepted=200, max_candidates=210, refine_passes=0))
    high = _add_up(profile, MEASURED, HIGH)
    assert high.candidates == 210
    assert high.completion_tokens == high.requests * 512 == (441 + 3) * 512


def test_money_needs_the_price_of_every_model(offline: Profile) -> None:
    models = [model.model for model in offline.models.values()]
    priced = replace(offline, prices=Prices("EUR", dict.fromkeys(models, (1.0, 10.0))))
    low = _add_up(priced, MEASURED, LOW)
    assert low.cost == pytest.approx((low.prompt_tokens + 10 * low.completion_tokens) / 1e6, rel=1e-3)
    one = replace(offline, prices=Prices("EUR", {models[0]: (1.0, 10.0)}))
    assert _add_up(one, MEASURED, LOW).cost is None


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_low_figures_are_no_more_than_a_faultless_run_takes(
    offline: Profile, cli: Callable[..., Result], tmp_path: Path
) -> None:
    low = estimate_run(replace(offline, run=replace(offline.run, accepted=8))).low
    assert cli("generate", "offline", "--num", 8, "--out", tmp_path / "run").exit_code == 0
    used = json.loads((tmp_path / "run/usage.json").read_text())
    assert low.requests <= used["requests"]
    assert low.prompt_tokens <= used["prompt_tokens"]
    assert low.completion_tokens <= used["completion_tokens"]
    assert low.seconds <= used["seconds"]


def test_overshoot_of_a_cap_is_said(offline: Profile) -> None:
    requests, tokens = in_flight = _count_in_flight(offline, MEASURED)
    models = {model.model for model in offline.models.values()}
    assert in_flight == (16 * len(models), 16 * len(models) * (1600 + 512))  # 4000 characters, and all of an answer
    low, high = (_add_up(offline, MEASURED, assumed) for assumed in (LOW, HIGH))
    capped = replace(offline, run=replace(offline.run, max_tokens=60_000))
    said = [describe_estimate(Estimate(profile, MEASURED, low, high, in_flight))[-1] for profile in (offline, capped)]
    assert [f"{requests} requests, {tokens:,} tokens at the most" in line for line in said] == [False, True]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_estimate_measures_every_kind_of_prompt(offline: Profile) -> None:
    estimate = estimate_run(replace(offline, provider=replace(offline.provider, api_key_env="NOT_SET_ANYWHERE")))
    assert sorted(estimate.measured.prompts) == sorted(JOBS)
    assert all(3_000 < length < 10_000 for length in estimate.measured.prompts.values())
    assert estimate.low.prompt_tokens < estimate.high.prompt_tokens
    assert "nothing was sent" in describe_estimate(estimate)[0]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_column_that_few_rows_ask_for_is_counted_for_those_few() -> None:
    measured = estimate_run(load_profile("strategy_offline", {})).measured
    assert measured.requests["generate", "generator"] < 0.7  # origin: model has a weight of 0.1
    assert all(measured.requests["generate", role] > 0.8 for role in ("writer", "parser", "judge"))


def test_command_says_figures_and_makes_no_folder(
    cli: Callable[..., Result], write_profile: Callable[[Path, dict[str, Any]], Path], tmp_path: Path
) -> None:
    provider = {"name": "nobody", "endpoint": "http://127.0.0.1:9/v1", "provider_type": "openai"}
    changes = {"provider": provider, "run.max_tokens": 1_000}
    result = cli("generate", write_profile(tmp_path / "mine.yaml", changes), "--estimate", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "low              high" in result.output
    assert "The high figures reach a cap that would end the run: " in result.output
    assert "run.max_tokens: 1,000" in result.output
    assert not (tmp_path / "run").exists()
