"""Is every row what was asked for? Its JSON Schema again, its text, and what the controls drew for it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import polars as pl
from jsonschema.validators import Draft202012Validator, validator_for

from designer_configs.compile.controls import Control
from verification.answers import (
    CANNOT_TELL,
    GOOD,
    NOISE,
    UNDERFIT,
    Answer,
    Interval,
    Verdict,
    bound_share,
    say_percent,
    to_json,
)
from verification.inputs import FinishedRun
from verification.settling import say_settling
from verification.texts.rows import Row, iter_rows, list_fields, read_drawn

QUESTION, TITLE = "validity", "Is every row what was asked for?"
LINE = 0.002  # of the rows: a run that checks its rows has none, and one in 500 is a slip of the pen
UNSURE = 0.05  # where so many may be broken, finding none says little: 72 rows or fewer
ENOUGH = 73  # rows, of which none is broken: then Wilson's interval ends below UNSURE
MOSTLY = 0.5  # broken rows surely above this share are noise
SLACK = 1e-9  # of a tolerance, for what binary fractions round off
SHOWN_IDS = 5


def ask_validity(run: FinishedRun) -> Answer:
    """Ask which share of the accepted rows breaks its schema, is empty, or is not what a control asked for."""
    rows, nouns = run.accepted.height, run.dataset.nouns
    ids = run.accepted["row_id"].cast(pl.String).to_list()
    rules, unchecked = find_broken(run)
    broken = {place for _, places in rules.values() for place in places}
    share = bound_share(len(broken) / rows, rows) if rows else Interval(float("nan"))
    worst = max(rules.items(), key=lambda rule: len(rule[1][1]), default=None)
    verdict, reason = _judge(share, rows, nouns)
    if worst and worst[1][1]:
        reason += f" Most often: {worst[1][0]} ({len(worst[1][1])} {nouns})."
    if unchecked:
        reason += f" Not checked, the plan is not there: {', '.join(unchecked)}."
    listed = [
        {"rule": name, "says": says, "broken": len(places), "first_ids": [ids[place] for place in places[:SHOWN_IDS]]}
        for name, (says, places) in rules.items()
    ]
    return Answer(
        question=QUESTION,
        title=TITLE,
        verdict=verdict,
        reason=reason,
        numbers=(
            (f"broken {nouns}", f"{len(broken)} of {rows}"),
            ("share of them", say_percent(share)),
            ("rules checked", str(len(rules))),
        ),
        metrics=to_json({"rows": rows, "broken": share, "rules": listed, "controls_not_checked": unchecked}),
        needs=_say_enough(share, rows, nouns) if verdict == CANNOT_TELL else "",
    )


def _say_enough(share: Interval, rows: int, nouns: str) -> str:
    what = f"accepted {nouns}"
    return say_settling(rows, share, UNSURE, what) if share.value > 0.0 else f"{ENOUGH} {what}"


def find_broken(run: FinishedRun) -> tuple[dict[str, tuple[str, list[int]]], list[str]]:
    """Find the rows that break each rule: what the rule says, and their places. And the controls not checked."""
    fields = list_fields(run.dataset, run.accepted)
    checked = [control for control in run.controls if control.check and run.dataset.schema is not None]
    drawn = read_drawn(run.folder, run.accepted, [control.name for control in checked], fields)
    known = [control for control in checked if control.name in drawn.columns]
    rules: dict[str, tuple[str, list[int]]] = {"shape": (_say_shape(run), [])}
    rules |= {f"control {control.name}": (_say_check(control), []) for control in known}
    wanted = {control.name: drawn[control.name].to_list() for control in known}
    check = _make_check(run.dataset.schema)
    found: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(iter_rows(run.dataset, run.accepted)):
        for name in check(row):
            found[name].append(place)
        for control in known:
            if not obeys(control, row, wanted[control.name][place]):
                rules[f"control {control.name}"][1].append(place)
    rules |= {f"field {name}": (f"{name} fits the schema.", places) for name, places in found.items() if name}
    rules["shape"][1].extend(found[""])
    return rules, [control.name for control in checked if control not in known]


def _say_shape(run: FinishedRun) -> str:
    if run.dataset.schema is None:
        return "The text is there and not empty."
    return "The row is an object with every field that its schema requires, and no other."


def _say_check(control: Control) -> str:
    rule = control.check or {}
    within = "" if rule.get("tolerance") is None else f" within {rule['tolerance']:g}"
    return f"{rule['field']} is what {control.name} drew{within}."


def _make_check(schema: Mapping[str, Any] | None) -> Callable[[Row], Iterable[str]]:
    """Give a function that names the fields of a row that are wrong, each once; an empty name is the row as a whole."""
    if schema is None:
        return lambda row: [] if isinstance(row, str) and row.strip() else [""]
    validator = validator_for(schema, default=Draft202012Validator)(schema)

    def check(row: Row) -> Iterator[str]:
        yield from {str(error.absolute_path[0]) if error.absolute_path else "" for error in validator.iter_errors(row)}

    return check


def obeys(control: Control, row: Row, wanted: object) -> bool:
    """Tell whether a row is what a control drew for it; one without the field, or that nothing was drawn for, is.

    A number is, within the tolerance where there is one; anything else as text.
    """
    rule: Mapping[str, Any] = control.check or {}
    found = row.get(rule["field"]) if isinstance(row, Mapping) else None
    if found is None or wanted is None:
        return True
    if rule.get("tolerance") is None:
        return str(found) == str(wanted)
    try:
        return abs(float(found) - float(str(wanted))) <= float(rule["tolerance"]) + SLACK
    except (TypeError, ValueError):
        return False


def _judge(share: Interval, rows: int, nouns: str) -> tuple[Verdict, str]:
    said = f"{say_percent(share)} of the {rows} {nouns} are broken"
    if rows == 0:
        return CANNOT_TELL, f"There are no accepted {nouns}."
    if share.low > MOSTLY:
        return NOISE, f"{said}: surely more than half."
    if share.low > LINE:
        return UNDERFIT, f"{said}: surely above the {LINE:.1%} that a slip of the pen makes."
    if share.high > UNSURE:
        return CANNOT_TELL, f"{said}: of so few {nouns} that is no proof of anything below {UNSURE:.0%}."
    return GOOD, f"{said}."
