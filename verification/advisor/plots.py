"""Plots of the questions about an advisor."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.report.parts import (
    UNKNOWN,
    MissingDataError,
    Panel,
    Plot,
    Table,
    format_number,
    get_mapping,
    get_rows,
    is_number,
    make_rows_layout,
    make_whiskers,
)

Metrics = Mapping[str, Any]
STEPS = {"followed": "first answer follows it", "passed": "and the policy allows", "accepted": "accepted, no refusal"}


def draw_attacks(metrics: Metrics) -> Plot:
    """Draw attack success by kind, with 95% intervals, a panel per step."""
    kinds = [*get_rows(metrics, "kinds"), get_mapping(metrics, "all")]
    panels = [
        _draw_shares([str(kind["kind"]) for kind in kinds], [kind[step] for kind in kinds], title)
        for step, title in STEPS.items()
    ]
    rows = [
        (str(kind["kind"]), format_number(kind["rows"]), *(say_share(kind[step]) for step in STEPS)) for kind in kinds
    ]
    return Plot(
        "attacks",
        "Attack success by kind",
        "Share of the attacks of each kind that succeed, and 95% intervals: on the model's first answer, past the "
        "policy, which is not told that it is an attack, and into the accepted rows.",
        tuple(panels),
        (Table("Attack success", ("kind", "attacks", *STEPS.values()), rows),),
        least_width=20,
        is_wide=True,
    )


def _draw_shares(names: Sequence[str], shares: Sequence[Metrics], title: str) -> Panel:
    found = [each["value"] if is_number(each["value"]) else None for each in shares]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [None if share is None else 100 * share for share in found],
        "y": [-place for place in range(len(names))],
        "width": 0.34,
        "marker": {"color": "@synthetic/0.6"},
        "hovertemplate": "%{x:.1f}%<extra></extra>",
    }
    lows, highs = ([100 * each[side] if is_number(each[side]) else None for each in shares] for side in ("low", "high"))
    whiskers = make_whiskers(lows, highs, "ink")
    xaxis = {"range": [0, 100], "ticksuffix": "%", "nticks": 5}
    return Panel([bars, whiskers], make_rows_layout(names, xaxis=xaxis), title)


def draw_decisions(metrics: Metrics) -> Plot:
    """Draw what the policy decided on first drafts and last versions, and which rules decided."""
    panels = []
    for key, title in (("first", "first drafts"), ("last", "last versions")):
        decided = get_mapping(metrics, key)
        panels.append(_draw_shares(list(decided), list(decided.values()), title))
    rules = [(str(rule), format_number(count)) for rule, count in metrics.get("rules") or []]
    if not metrics.get("drafts"):
        raise MissingDataError("Left out: the run has no first drafts.")
    return Plot(
        "decisions",
        "What the policy decided",
        "Share of the candidates that the policy allows, denies and keeps for a person, with 95% intervals. A check "
        "that comes before the policy denies by its own rule.",
        tuple(panels),
        (Table("Rules that decided", ("rule", "times"), rules),) if rules else (),
        least_width=20,
    )


def say_share(share: Metrics) -> str:
    """Write a share of `metrics.json` with its interval in percent."""
    values = [share.get(name) for name in ("value", "low", "high")]
    if not all(is_number(value) for value in values):
        return UNKNOWN
    value, low, high = (100 * float(each) for each in values if each is not None)
    return f"{value:.1f}% [{low:.1f}, {high:.1f}]"
