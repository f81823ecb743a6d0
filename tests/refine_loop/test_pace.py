"""How quickly a model reads and writes is measured by short answers, said where it is slow, and scales an estimate."""

from dataclasses import replace
from typing import Any

import pytest

from designer_configs.compile.profile import Profile
from refine_loop.estimate import HIGH, LOW, Measured, _add_up, describe_estimate, estimate_run
from refine_loop.pace import Pace, describe_slow, measure_pace
from tests.faults.endpoint import Asked, Reply, open_endpoint, say

MODEL = "rehearsal-generator"


def ask(tokens: int | None, seconds: float, **other: Any) -> dict[str, Any]:
    event = {"event": "request", "row_id": None, "error": None, "model": "m"}
    return event | {"prompt_tokens": 20, "completion_tokens": tokens, "seconds": seconds} | other


def test_pace_is_that_of_the_quickest_short_answer() -> None:
    events = [ask(16, 9.0), ask(40, 4.0), ask(500, 1.0, row_id="a"), ask(99, 1.0, error="timeout"), {"event": "other"}]
    assert measure_pace(events) == {"m": Pace(10.0)}  # the first had to wait until the model was loaded


def test_reading_and_writing_are_told_apart_by_a_long_prompt() -> None:
    events = [ask(16, 9.0), ask(1, 320 / 80 + 1 / 10, prompt_tokens=320), ask(32, 20 / 80 + 32 / 10)]
    pace = measure_pace(events)["m"]
    assert [pace.writes, pace.reads] == pytest.approx([10.0, 80.0])


@pytest.mark.parametrize("long", [{"prompt_tokens": 100}, {"prompt_tokens": 320, "seconds": 0.01}])
def test_reading_is_not_told_by_times_that_cannot_be(long: dict[str, Any]) -> None:
    assert measure_pace([ask(1, **{"seconds": 4.0} | long), ask(32, 3.2)]) == {"m": Pace(10.0)}


@pytest.mark.parametrize("tokens", [None, 0, 3])
def test_too_little_to_measure_a_pace_by_gives_none(tokens: int | None) -> None:
    assert measure_pace([ask(tokens, 1.0)]) == {}


def test_slow_model_is_said_with_its_timeout(offline: Profile) -> None:
    (said,) = describe_slow(offline, {MODEL: Pace(4.0)}).values()
    assert said == (
        "writes 4.0 tokens a second: an answer of max_tokens (512) takes 128 s, "
        "longer than inference_parameters.timeout (60 s)"
    )
    assert describe_slow(offline, {MODEL: Pace(400.0)}) == {}


def test_estimate_is_scaled_by_the_pace(offline: Profile) -> None:
    jobs = [("generate", "generator"), ("generate", "judge")]
    measured = Measured(
        dict.fromkeys(jobs, 4000.0), dict.fromkeys(jobs, 400.0), dict.fromkeys(jobs, 1.0), {MODEL: Pace(10.0)}
    )
    provider = replace(offline.provider, name="mine")  # requests of a rehearsal take next to no time
    profile = replace(offline, provider=provider, run=replace(offline.run, accepted=100, refine_passes=0))
    low, high = (_add_up(profile, measured, assumed) for assumed in (LOW, HIGH))
    # 100 drafts of 100 tokens, whose prompts of 1,000 are read 50 times as quickly, 16 at once; three short questions
    assert low.seconds == pytest.approx(100 * (100 + 1000 / 50) / 10 / 16 + 3.0)
    assert high.seconds > 250 * (512 + 1600 / 3) / 10
    both = replace(measured, paces={MODEL: Pace(10.0, 80.0)})
    assert _add_up(profile, both, LOW).seconds == pytest.approx(100 * (100 / 10 + 1000 / 80) / 16 + 3.0)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_estimate_asks_a_model_of_this_machine_short_questions(offline: Profile) -> None:
    def answer(asked: Asked) -> Reply:
        read = len(str(asked.messages)) // 2
        return replace(say("hello", usage=(read, wrote := min(8, asked.payload["max_tokens"]))), wait=wrote / 40)

    with open_endpoint() as endpoint:
        endpoint.script = answer
        provider = replace(offline.provider, name="mine", endpoint=endpoint.url)
        estimate = estimate_run(replace(offline, provider=provider))
        asked = [one.model for one in endpoint.asked]
    models = {model.model for model in offline.models.values()}
    assert sorted(asked) == sorted([*models] * 3)  # whether it answers, one to read, one to write
    assert 8.0 < estimate.measured.paces[MODEL].writes <= 50.0
    said = describe_estimate(estimate)
    assert "nothing was sent but short questions on this machine" in said[0]
    assert any(line.startswith(f"Measured: {MODEL} writes ") for line in said)
