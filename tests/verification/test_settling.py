"""What would settle a question is counted from how wide its interval is, and how far from the line its middle."""

import pytest

from verification.answers import Interval
from verification.settling import count_settling, join_words, say_lacks, say_least, say_settling


@pytest.mark.parametrize(
    ("interval", "line", "count"),
    [
        (Interval(0.5, 0.4, 0.6), 0.55, 400),  # twice as wide as it may be
        (Interval(0.5, 0.4, 0.6), 0.601, 101),  # never fewer than there are
        (Interval(0.5, 0.4, 0.6), 0.501, None),  # a hundred times as many would not do
        (Interval(0.5), 0.6, None),
    ],
)
def test_rows_that_settle(interval: Interval, line: float, count: int | None) -> None:
    assert count_settling(100, interval, line) == count


def test_what_passes_needs_fewer() -> None:
    assert count_settling(100, Interval(0.5, 0.4, 0.6), 0.55, passing=True) == 280  # 1.645 standard errors, not 1.96
    assert count_settling(100, Interval(0.1, 0.05, 0.3), 0.2) == 400  # the end that lies at the line counts


def test_what_would_settle_it_is_said() -> None:
    assert say_settling(120, Interval(0.5, 0.4, 0.6), 0.53, "gold trades") == "about 1,300 gold trades"
    assert say_settling(120, Interval(0.5, 0.4, 0.6), 0.501, "gold trades") == "more than 12,000 gold trades"


def test_what_lacks_is_listed() -> None:
    counts = [("gold trades", 5, 30), ("sessions", 9, 5), ("synthetic trades", 0, 30)]
    assert say_least(counts) == "30 gold trades and 30 synthetic trades"
    assert say_lacks(counts) == "5 gold trades, at least 30 are needed; 0 synthetic trades, at least 30 are needed"
    assert say_lacks([("sessions of gold", 1, 5)]) == "1 session of gold, at least 5 are needed"
    assert say_lacks(counts[1:2]) == say_least(counts[1:2]) == ""
    assert join_words(["a", "b", "c"]) == "a, b and c"
