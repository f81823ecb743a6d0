"""What a trader reads first: one sentence, gold and synthetic side by side, three graded lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.answers import CANNOT_TELL, COPIES, GOOD, LEAK, Answer
from verification.report.parts import UNKNOWN, format_number, get_value, is_number

SHOWN = (
    "win_rate",
    "mean_result",
    "mean_in_volatilities",
    "mean_win",
    "mean_loss",
    "payoff",
    "profit_factor",
    "expectancy",
    "worst_results",
    "worst_excursion",
    "best_excursion",
    "kept",
    "at_best",
    "held",
    "held_spread",
    "result_with_holding",
    "worst_with_best",
    "trades_per_session",
    "losing_run",
)
WEIGHTED = {"entry_volatility_percent": "volatility", "entry_minute": "time of day", "is_short": "longs and shorts"}
REHEARSAL = (
    "The rows were written by the built-in offline model, which rehearses the pipeline: "
    "this run proves nothing about a language model."
)


def summarise(answers: Sequence[Answer], *, is_rehearsal: bool) -> dict[str, Any]:
    """Summarise the answers for a trader; what was not asked is left out.

    Returns:
        `sentence`, `table` (head and rows), `graded` pairs of label and text, `notice`.
    """
    given = {answer.question: answer for answer in answers}
    numbers = given.get("numbers")
    rows = {row["key"]: row for row in (numbers.metrics.get("table") or [] if numbers else [])}
    table = [_write_row(rows[key]) for key in SHOWN if key in rows]
    return {
        "sentence": say_sentence(rows, numbers),
        "head": ["", "gold", "synthetic", "difference [95%]", "seen from n ="],
        "table": table,
        "graded": [line for grade in GRADES if (line := grade(given))],
        "notice": REHEARSAL if is_rehearsal else "",
    }


def say_sentence(rows: Mapping[str, Mapping[str, Any]], numbers: Answer | None) -> str:
    """Say in a trader's words what these trades are like beside the gold's."""
    if numbers is None or "win_rate" not in rows:
        return "There are too few trades to hold a trader's numbers against the gold's."
    win, mean, held = (rows[key] for key in ("win_rate", "mean_result", "held"))
    said = (
        f"{_say_whose(numbers)} win {_say(win, 'synthetic')} of the time where yours win {_say(win, 'gold')}, make "
        f"{_say(mean, 'synthetic')} a trade where yours make {_say(mean, 'gold')}, and are held "
        f"{_say(held, 'synthetic')} where yours are held {_say(held, 'gold')}"
    )
    if numbers.verdict == GOOD:
        return f"{said}: no number is surely off, all taken together."
    return f"{said}. {numbers.reason}"


def _say_whose(numbers: Answer) -> str:
    """Say whose numbers these are: both sides are weighted where controls set what the gold has otherwise."""
    named = [WEIGHTED.get(str(each), str(each)) for each in numbers.metrics.get("waived") or []]
    return f"Like held against like in {' and '.join(named)}, these trades" if named else "These trades"


def grade_quality(given: Mapping[str, Answer]) -> tuple[str, str] | None:
    """Say how near the law is as one score: 0 shuffled gold, 100 gold against gold; SDMetrics' mean beside it."""
    answer = given.get("fidelity")
    place = get_value((answer.metrics.get("scores") or [{}])[0], "position") if answer else None
    if answer is None or not is_number(get_value(place, "value")):
        return None
    shares = [get_value(each, "score") for name in ("columns", "pairs") for each in answer.metrics.get(name) or []]
    known = [share for share in shares if is_number(share)]
    mean = f"; SDMetrics' columns and pairs: {100 * sum(known) / len(known):.0f}%" if known else ""
    return "quality", f"{_say_score(place)}, where 0 is shuffled gold and 100 as near as gold is to itself{mean}"


def grade_privacy(given: Mapping[str, Answer]) -> tuple[str, str] | None:
    """Say how well the gold shown is kept to itself, as SDMetrics' DCROverfittingProtection does, with an interval.

    100 where rows are no nearer to the gold that was shown than to held-out gold, 0 where all are.
    """
    answer = given.get("memorisation")
    nearer = get_value(answer.metrics, "nearer_than_held_out") if answer else None
    if answer is None or not is_number(get_value(nearer, "value")):
        return None
    ends = {new: get_value(nearer, old) for new, old in (("value", "value"), ("low", "high"), ("high", "low"))}
    kept = {name: 2.0 * (1.0 - end) if is_number(end) else None for name, end in ends.items()}
    return (
        "privacy",
        f"{_say_score(kept)}, where 100 is no nearer to the gold it was shown than to held-out gold",
    )


def _say_score(share: object) -> str:
    """Say a share and its interval as points of 100, none beyond the ends."""
    ends = [get_value(share, end) for end in ("value", "low", "high")]
    value, *bounds = [f"{100 * min(max(end, 0.0), 1.0):.0f}" if is_number(end) else UNKNOWN for end in ends]
    return f"{value} of 100" + (f" [{', '.join(bounds)}]" if UNKNOWN not in bounds else "")


def grade_copies(given: Mapping[str, Answer]) -> tuple[str, str] | None:
    """Say what was found of copies, and from how many on they would have been."""
    answer = given.get("memorisation")
    if answer is None:
        return None
    if answer.verdict in (COPIES, LEAK):
        return "copies", answer.reason
    exact, rows = get_value(answer.metrics, "exact_copies"), get_value(answer.metrics, "rows")
    low, chance = get_value(answer.metrics, "digit_share", "high"), get_value(answer.metrics, "digit_chance", "high")
    if not is_number(low) or not is_number(chance) or not is_number(rows):
        return "copies", answer.reason
    seen = max(low, chance) + 2.0 * (max(chance, 1.0 / rows) / rows) ** 0.5
    return "copies", f"{exact or 'none'} found; {100 * seen:.1f}% of the rows would have been seen"


def grade_validity(given: Mapping[str, Answer]) -> tuple[str, str] | None:
    """Say how many trades could not have happened."""
    answer = given.get("validity")
    if answer is None:
        return None
    found, high = get_value(answer.metrics, "impossible"), get_value(answer.metrics, "share", "high")
    if not is_number(high):
        return "impossible", "unknown: there are no trades"
    return "impossible", f"{'none' if not found else f'{found:,}'}; at most {100 * high:.1f}% can be"


def grade_law(given: Mapping[str, Answer]) -> tuple[str, str] | None:
    """Say how near the law is to the gold's."""
    answer = given.get("fidelity")
    if answer is None:
        return None
    scores = answer.metrics.get("scores") or [{}]
    value, high, line = (get_value(scores[0], "value", end) for end in ("value", "high", "low"))
    passing = get_value(answer.metrics, "line")
    if not all(map(is_number, (value, high, line, passing))):
        return "law", answer.reason
    is_told = answer.verdict != CANNOT_TELL
    ending = f"up to {passing:.2f} is a guess" if is_told else "whether that is a guess cannot be told yet"
    return "law", f"told from gold with AUC {value:.2f} [{line:.2f}, {high:.2f}]; {ending}"


GRADES = (grade_quality, grade_privacy, grade_copies, grade_validity, grade_law)


def _write_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    gap = row["difference"]
    ends = [_say_unit(get_value(gap, end), row["unit"], is_gap=True) for end in ("value", "low", "high")]
    told = ends[0] if UNKNOWN in ends[1:] else f"{ends[0]} [{ends[1]}, {ends[2]}]"
    return str(row["says"]), _say(row, "gold"), _say(row, "synthetic"), told, format_number(row["seen_from"])


def _say(row: Mapping[str, Any], side: str) -> str:
    return _say_unit(get_value(row, side, "value"), row["unit"])


def _say_unit(value: object, unit: str, *, is_gap: bool = False) -> str:
    if not is_number(value):
        return UNKNOWN
    sign = "+" if is_gap and value > 0 else ""
    ending = {"%": "%", "min": " min", "share": " points" if is_gap else "%"}.get(unit, "")
    text = f"{100 * value:.0f}" if unit == "share" else f"{value:.{1 if unit in {'min', 'count'} else 2}f}"
    return f"{sign}{text}{ending}" if float(text) else f"0{ending}"
