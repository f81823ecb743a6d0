"""The rules on anything a model may answer."""

from datetime import date
from math import isfinite
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gold_data.trades.rules import RULES, Expectation, GoldLimits, check_trade, fingerprint
from gold_data.trades.schema import CORE_FIELDS

LIMITS = GoldLimits({"IBM": (1.0, 1000.0)}, holds_overnight=False, volatility_range=(0.1, 1.0))
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["buy", "10:00:00"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
PERCENTS = st.floats(-5, 5).map(lambda value: round(value, 2))
PRICES = st.floats(2, 900).map(lambda value: round(value, 2))
CLOCKS = st.times().map(lambda clock: clock.strftime("%H:%M:%S"))
SOUND = st.fixed_dictionaries(
    {
        "ticker": st.just("IBM"),
        "trade_type": st.sampled_from(["buy", "short"]),
        "entry_time": CLOCKS,
        "exit_time": CLOCKS,
        "entry_price": PRICES,
        "exit_price": PRICES,
        "entry_volatility_percent": st.floats(-1, 1),
        "worst_exit_percent": PERCENTS,
        "best_exit_percent": PERCENTS,
    }
)


@given(st.dictionaries(st.sampled_from(CORE_FIELDS) | st.text(max_size=4), ANYTHING), st.dates(), st.booleans())
def test_any_answer_gets_violations_and_no_exception(core: dict[str, Any], day: date, overnight: bool) -> None:
    limits = GoldLimits(LIMITS.price_ranges, overnight, LIMITS.volatility_range)
    expectations = [Expectation(field, core.get(field), 0.1) for field in CORE_FIELDS]
    broken = check_trade(core, session_date=day, limits=limits, expectations=expectations)
    assert {violation.rule for violation in broken} <= {rule.name for rule in RULES}
    unsound = [field for v in broken if v.rule in ("schema", "finite") for field in v.fields]
    later = [field for v in broken if v.rule not in ("schema", "finite") for field in v.fields]
    assert not set(unsound) & set(later)
    assert set(CORE_FIELDS) - set(core) <= set(unsound)
    assert all(v.message and v.limit in v.message for v in broken)


@given(SOUND)
def test_passing_is_what_a_plain_reading_says(core: dict[str, Any]) -> None:
    gain = core["exit_price"] - core["entry_price"]
    change = 100 * (gain if core["trade_type"] == "buy" else -gain) / core["entry_price"]
    allowed = (
        "09:30:00" <= core["entry_time"] < core["exit_time"] <= "16:00:00"
        and core["worst_exit_percent"] <= core["best_exit_percent"]
        and core["worst_exit_percent"] - change <= 0.01 + 1e-9
        and change - core["best_exit_percent"] <= 0.01 + 1e-9
        and core["entry_volatility_percent"] > 0
    )
    assert (check_trade(core, session_date=date(2013, 10, 4), limits=LIMITS) == []) is allowed
    assert all(isfinite(number) for number in fingerprint(core))
