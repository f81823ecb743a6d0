"""How large a round is, and when a cap is spent."""

from dataclasses import replace
from pathlib import Path

import pytest

from designer_configs.compile.profile import Prices, Profile
from jobs.request import Request
from refine_loop.budget import find_spent_cap, is_fruitless, size_round
from refine_loop.record.events import EventLog
from refine_loop.state import START_STATE

REQUEST = Request("001_generate", "r", "trade", "generator", "m")


@pytest.mark.parametrize(
    ("missing", "accepted", "planned", "size"),
    [
        (5000, 0, 0, 600),
        (5000, 0, 400, 200),
        (50, 0, 200, 50),
        (4860, 140, 200, 2000),  # no more than ten times what was seen
        (3000, 2000, 2500, 3776),  # 3000 / 0.8 = 3750, and 0.84 standard deviations
        (4000, 40, 4000, 5000),
        (1, 9, 10, 1),
        (3, 7, 10, 5),
        (10, 10, 10, 10),
    ],
)
def test_round_is_sized_by_the_acceptance_so_far(missing: int, accepted: int, planned: int, size: int) -> None:
    assert size_round(missing, accepted, planned) == size


@pytest.mark.parametrize(
    ("planned", "accepted", "rounds", "fruitless"),
    [
        (200, 0, 1, False),
        (400, 0, 2, False),
        (600, 0, 1, True),  # all that a model that never pleases may cost
        (30, 0, 3, True),
        (5_000, 1, 2, False),
        (5_000, 1, 3, True),
    ],
)
def test_run_that_brings_nothing_ends(planned: int, accepted: int, rounds: int, *, fruitless: bool) -> None:
    state = START_STATE | {"planned": planned, "accepted": accepted, "fruitless_rounds": rounds}
    assert is_fruitless(state) is fruitless


def limit(profile: Profile, **limits: float) -> Profile:
    prices = Prices("EUR", {"m": (1.0, 5.0)})
    return replace(profile, run=replace(profile.run, **limits), prices=prices)  # type: ignore[arg-type]


def test_caps_count_what_every_model_said(offline: Profile, log: EventLog) -> None:
    log.write_request(REQUEST, 0.1, 600_000, 100_000)
    assert find_spent_cap(limit(offline, max_tokens=700_001, max_cost=1.11), log) is None
    assert find_spent_cap(limit(offline, max_tokens=700_000), log) == "max_tokens"
    assert find_spent_cap(limit(offline, max_cost=1.1), log) == "max_cost"
    assert find_spent_cap(limit(offline, max_minutes=1e-9), log) == "max_minutes"


def test_caps_count_what_the_texts_suggest_where_nobody_said(offline: Profile, log: EventLog) -> None:
    log.write_request(REQUEST, 0.1, None, None, assumed_tokens=(300, 50))
    assert log.tokens == 350
    assert find_spent_cap(limit(offline, max_tokens=350), log) == "max_tokens"


def test_caps_go_on_counting_after_a_stop(offline: Profile, log: EventLog, tmp_path: Path) -> None:
    log.write_request(REQUEST, 0.1, 60, 40)
    log.write_request(REQUEST, 0.1, None, None, assumed_tokens=(7, 3))
    log._file.close()
    with EventLog(tmp_path / "events.jsonl", lambda _: None) as resumed:
        assert resumed.tokens_of == {"m": (67, 43)}
        resumed.write_request(REQUEST, 0.1, 1, 1)
        assert resumed.tokens == 112
