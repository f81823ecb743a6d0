"""How quickly a model writes is measured by its short answers, said where it is slow, and scales an estimate."""

from dataclasses import replace
from typing import Any

import pytest

from designer_configs.compile.profile import Profile
from refine_loop.estimate import HIGH, LOW, Measured, _add_up, describe_estimate, estimate_run
from refine_loop.pace import describe_slow, measure_pace
from tests.faults.endpoint import Reply, open_endpoint, say

MODEL = "rehearsal-generator"


def ask(tokens: int | None, seconds: float, **other: Any) -> dict[str, Any]:
    event = {"event": "request", "row_id": None, "error": None, "model": "m"}
    return event | {"completion_tokens": tokens, "seconds": seconds} | other


def test_pace_is_that_of_the_short_answers() -> None:
    events = [ask(12, 1.0), ask(38, 4.0), ask(500, 1.0, row_id="a"), ask(9, 1.0, error="timeout"), {"event": "other"}]
    assert measure_pace(events) == {"m": 10.0}


@pytest.mark.parametrize("tokens", [None, 0, 3])
def test_too_little_to_measure_a_pace_by_gives_none(tokens: int | None) -> None:
    assert measure_pace([ask(tokens, 1.0)]) == {}


def test_slow_model_is_said_with_its_timeout(offline: Profile) -> None:
    (said,) = describe_slow(offline, {MODEL: 4.0}).values()
    assert said == (
        "writes 4.0 tokens a second: an answer of max_tokens (512) takes 128 s, "
        "longer than inference_parameters.timeout (60 s)"
    )
    assert describe_slow(offline, {MODEL: 400.0}) == {}


def test_estimate_is_scaled_by_the_pace(offline: Profile) -> None:
    jobs = [("generate", "generator"), ("generate", "judge")]
    measured = Measured(dict.fromkeys(jobs, 4000.0), dict.fromkeys(jobs, 400.0), {MODEL: 10.0})
    provider = replace(offline.provider, name="mine")  # requests of a rehearsal take next to no time
    profile = replace(offline, provider=provider, run=replace(offline.run, accepted=100, refine_passes=0))
    low, high = (_add_up(profile, measured, assumed) for assumed in (LOW, HIGH))
    # 100 drafts of 100 tokens, whose prompts of 1,000 are read 50 times as quickly, 16 at once; three short questions
    assert low.seconds == pytest.approx(100 * (100 + 1000 / 50) / 10 / 16 + 3.0)
    assert high.seconds > 250 * (512 + 1600 / 3) / 10


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_estimate_asks_a_model_of_this_machine_one_short_question(offline: Profile) -> None:
    with open_endpoint() as endpoint:
        endpoint.script = lambda _: Reply(say("hello", usage=(20, 8)).body, wait=0.2)
        provider = replace(offline.provider, name="mine", endpoint=endpoint.url)
        estimate = estimate_run(replace(offline, provider=provider))
        asked = [one.model for one in endpoint.asked]
    assert sorted(asked) == sorted({model.model for model in offline.models.values()})
    assert 8.0 < estimate.measured.pace[MODEL] <= 40.0
    said = describe_estimate(estimate)
    assert "nothing was sent but a short question on this machine" in said[0]
    assert any(line.startswith(f"Measured: {MODEL} writes ") for line in said)
