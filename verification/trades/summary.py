"""What a trader reads first: one sentence, gold and synthetic side by side, three graded lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.answers import CANNOT_TELL, COPIES, GOOD, LEAK, NOISE, UNDERFIT, Answer
from verification.report.parts import UNKNOWN, format_number, get_value, is_number
from verification.settling import join_words
from verification.verdict import Overall

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


ENDINGS = {
    ("memorisation", LEAK): "but some of them are your held-out trades, so nothing that is measured below counts",
    ("memorisation", COPIES): "but they are copies of yours, or some of them are",
    ("validity", NOISE): "but they are noise: most of them, or as many as of mere noise, could not have happened",
    ("validity", UNDERFIT): "but some of them could not have happened",
    ("fidelity", NOISE): "but they are noise, in which no number knows of another",
    ("fidelity", UNDERFIT): "but what goes with what is not as in yours",
    ("exits", UNDERFIT): "but their exits do not follow the market as yours do",
    ("diversity", UNDERFIT): "but they are not as varied as yours, or as was asked",
    ("model", UNDERFIT): "but what a model learns of them is not true of yours",
    ("backtest", UNDERFIT): "but strategies do not rank on them as on yours",
}  # of the first sentence, by the question that decided and what it says
ENDINGS_OF_UNITS = {"%": "%", "share": "%", "min": " min"}
FARTHEST, DEALT = "over 1,000,000", "set by the plan"  # from which n a number is seen, where none is named
FAMILIES = {"result": "what they win and lose", "path": "how far they run", "time": "when and how long they are held"}


def summarise(answers: Sequence[Answer], overall: Overall, *, is_rehearsal: bool) -> dict[str, Any]:
    """Summarise the answers for a trader; what was not asked is left out.

    Returns:
        `sentence`, `table` (head and rows), `graded` pairs of label and text, `notice`, and `leads`, the question
        whose plots come first.
    """
    given = {answer.question: answer for answer in answers}
    numbers = given.get("numbers")
    rows = {row["key"]: row for row in (numbers.metrics.get("table") or [] if numbers else [])}
    is_dealt = "days" in given and bool(given["days"].metrics.get("sessions_dealt_by_plan"))
    table = [_write_row(rows[key], is_dealt=is_dealt) for key in SHOWN if key in rows]
    return {
        "sentence": say_sentence(rows, given, overall),
        "head": ["", "gold", "synthetic", "difference [95%]", "seen from n ="],
        "table": table,
        "graded": [line for grade in GRADES if (line := grade(given))],
        "notice": REHEARSAL if is_rehearsal else "",
        "leads": "numbers",
    }


def say_sentence(rows: Mapping[str, Mapping[str, Any]], given: Mapping[str, Answer], overall: Overall) -> str:
    """Say in one sentence, in a trader's words, what these trades are like beside the gold's, and what is found."""
    numbers = given.get("numbers")
    if numbers is None or "win_rate" not in rows:
        few = "these trades, or your own, are too few to hold a trader's numbers against each other"
        ending = _say_ending(given, overall) if overall.verdict not in (GOOD, CANNOT_TELL) else ""
        return f"{few[0].upper()}{few[1:]}{', ' if ending else ''}{ending}."
    win, mean, held = (rows[key] for key in ("win_rate", "mean_result", "held"))
    said = (
        f"{_say_whose(numbers)} win {_say(win, 'synthetic')} of the time where yours win {_say(win, 'gold')}, make "
        f"{_say(mean, 'synthetic')} a trade where yours make {_say(mean, 'gold')}, and are held "
        f"{_say(held, 'synthetic')} where yours are held {_say(held, 'gold')}"
    )
    return f"{said}; {_say_ending(given, overall)}."


def _say_ending(given: Mapping[str, Answer], overall: Overall) -> str:
    """Say what decided; where nothing did, whether so few trades would have shown it."""
    named = NOISE if overall.verdict == NOISE else UNDERFIT
    found = ENDINGS.get((overall.question, overall.verdict if overall.verdict in (LEAK, COPIES) else named))
    if overall.question == "numbers" and overall.verdict == UNDERFIT:
        metrics = given["numbers"].metrics
        off = [name for name, chance in metrics["families"].items() if chance <= metrics["alpha"]]
        most = next((term["says"] for term in metrics["terms"] if term["family"] in off), "")
        return f"but {join_words([FAMILIES[name] for name in off])} surely is not as in yours, most of all {most}"
    if overall.question == "days" and overall.verdict == UNDERFIT:
        said = given["days"].reason.split(". ")[0].rstrip(".")
        return f"but {said[0].lower()}{said[1:]}"
    if overall.verdict not in (GOOD, CANNOT_TELL):
        return found or f"but they are not like yours by {overall.question}"
    return _say_unseen(given["numbers"])


def _say_unseen(numbers: Answer) -> str:
    """Say that no number is off, and how far off one would have been noticed."""
    points = 100.0 * numbers.metrics["noticed"][0]
    aim, count = numbers.metrics["noticed_from"] or (None, 0)
    further = f" (for {100 * aim:.0f} points it takes {count:,} trades on either side)" if aim else ""
    seen = f"a win rate {points:.0f} points off would have been noticed 4 times of 5{further}"
    if numbers.verdict == GOOD:
        return f"no number is surely off, and {seen}"
    doubt = numbers.metrics["doubt"]
    doubted = [FAMILIES[name] for name, chance in numbers.metrics["families"].items() if chance <= doubt]
    known = f"{join_words(doubted)} may differ" if doubted else "no number is surely off"
    return f"{known}, but so few trades tell little: {seen}"


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
    if seen >= 1.0:
        return "copies", f"{exact or 'none'} found, and among so few none would have been seen"
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
    ending = f"up to {100 * passing:.0f} is a guess" if is_told else "whether that is a guess cannot be told yet"
    right = " ".join([f"{100 * value:.0f} times of 100", f"[{100 * line:.0f}, {100 * high:.0f}]"])
    return "law", f"shown one of each, a classifier tells which is synthetic {right}; {ending}"


GRADES = (grade_quality, grade_privacy, grade_copies, grade_validity, grade_law)


def _write_row(row: Mapping[str, Any], *, is_dealt: bool) -> tuple[str, ...]:
    ends, unit = [get_value(row, "difference", end) for end in ("value", "low", "high")], row["unit"]
    is_known = all(map(is_number, ends))
    value, *bounds = [_write_number(end, unit, sign="+") for end in ends]
    ending = " points" if unit == "share" else ENDINGS_OF_UNITS.get(unit, "")
    told = f"{value} [{', '.join(bounds)}]{ending}" if is_known else f"{value}{'' if value == UNKNOWN else ending}"
    unseen = FARTHEST if is_known else DEALT if row["key"] == "trades_per_session" and is_dealt else UNKNOWN
    seen = format_number(row["seen_from"]) if is_number(row["seen_from"]) else unseen
    return str(row["says"]), _say(row, "gold"), _say(row, "synthetic"), told, seen


def _say(row: Mapping[str, Any], side: str) -> str:
    text = _write_number(get_value(row, side, "value"), row["unit"])
    return text if text == UNKNOWN else f"{text}{ENDINGS_OF_UNITS.get(row['unit'], '')}"


def _write_number(value: object, unit: str, sign: str = "") -> str:
    """Write a number without its unit; `sign` stands before one above 0."""
    if not is_number(value):
        return UNKNOWN
    text = f"{100 * value:.0f}" if unit == "share" else f"{value:.{1 if unit in {'min', 'count'} else 2}f}"
    return f"{sign if value > 0 else ''}{text}" if float(text) else "0"
