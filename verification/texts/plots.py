"""Plots of the questions that suit every dataset."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.report.asked import draw_controls, draw_rules
from verification.report.parts import (
    MissingDataError,
    Panel,
    Plot,
    Table,
    escape_label,
    format_number,
    get_list,
    get_mapping,
    get_rows,
    get_value,
    is_number,
    make_rows_layout,
)
from verification.report.plots import Drawing

Metrics = Mapping[str, Any]
COLOURS = {"among themselves": "synthetic", "to gold": "gold"}


def draw_similarity(metrics: Metrics) -> Plot:
    """Draw how near each text is to its nearest, among themselves and to gold."""
    found = get_mapping(metrics, "found", "histograms")
    near = get_value(metrics, "near_from")
    known = {name: [float(share) for share in found[name]] for name in COLOURS if name in found}
    if not known or not is_number(near):
        raise MissingDataError("Left out: the rows hold no texts of four words or more.")
    panels = [_draw_histogram(name, shares, near) for name, shares in known.items()]
    return Plot(
        "similarity",
        "Nearest text",
        "How many word triples each text has in common with the one nearest to it: 0 none, 1 all. Right of the thin "
        f"line, from {near:.0%} on, a text is the other with a few words changed.",
        tuple(panels),
        least_width=20,
    )


def _draw_histogram(name: str, shares: Sequence[float], near: float) -> Panel:
    width = 1.0 / len(shares)
    bars = {
        "type": "bar",
        "x": [(place + 0.5) * width for place in range(len(shares))],
        "y": [100.0 * share for share in shares],
        "width": width * 0.9,
        "marker": {"color": f"@{COLOURS[name]}/0.6"},
        "hovertemplate": "similarity %{x:.2f}: %{y:.1f}%<extra></extra>",
    }
    line = {"type": "line", "x0": near, "x1": near, "y0": 0, "y1": 1, "yref": "paper"}
    layout = {
        "height": 240,
        "margin": {"l": 42, "r": 8, "t": 8, "b": 40},
        "xaxis": {"range": [0, 1], "title": {"text": "similarity"}, "nticks": 6},
        "yaxis": {"rangemode": "tozero", "ticksuffix": "%", "nticks": 5},
        "shapes": [{**line, "line": {"color": "@soft", "width": 1}}],
    }
    return Panel([bars], layout, name.capitalize())


def draw_near_pairs(metrics: Metrics) -> Plot:
    """Show the nearest pairs of texts, side by side."""
    pairs = get_rows(metrics, "found", "pairs")
    tables = [
        Table(
            f"{pair['similarity']:.0%} in common", ("row", "text"), list(zip(pair["ids"], pair["texts"], strict=True))
        )
        for pair in pairs
    ]
    return Plot(
        "near-pairs",
        "Nearest pairs",
        "The texts that are nearest to another one, each cut short: read whether they are two texts or one.",
        tables=tuple(tables),
        is_wide=True,
    )


def draw_scores(metrics: Metrics) -> Plot:
    """Draw how often each score was given, a panel per criterion."""
    criteria = get_rows(metrics, "criteria")
    judged = "all candidates judged" if metrics.get("of") == "ledger" else "accepted rows alone"
    return Plot(
        "scores",
        "Scores by criterion",
        f"How often the judge gave each score, over {judged}. A single bar is a criterion that tells nothing apart.",
        tuple(_draw_criterion(each) for each in criteria),
        least_width=16,
    )


def _draw_criterion(criterion: Metrics) -> Panel:
    counts = {int(score): int(count) for score, count in get_list(criterion, "counts")}
    scores = list(range(min(1, *counts), max(5, *counts) + 1))
    bars = {
        "type": "bar",
        "x": scores,
        "y": [counts.get(score, 0) for score in scores],
        "marker": {"color": "@synthetic/0.6"},
        "hovertemplate": "score %{x}: %{y:,}<extra></extra>",
    }
    layout = {
        "height": 220,
        "margin": {"l": 42, "r": 8, "t": 8, "b": 36},
        "xaxis": {"tickvals": scores, "showgrid": False},
        "yaxis": {"rangemode": "tozero", "nticks": 5},
    }
    return Panel([bars], layout, escape_label(criterion.get("name")).replace("_", " "))


def draw_reasons(metrics: Metrics) -> Plot:
    """Draw why candidates were lost, with refine passes and what an accepted row took in a table."""
    reasons = [(str(reason), int(count)) for reason, count in metrics.get("reasons") or []]
    passes = [(str(number), format_number(count)) for number, count in get_list(metrics, "refine_passes")]
    panels = (_draw_reasons(reasons),) if reasons else ()
    most = f"Most were lost by “{reasons[0][0]}”." if reasons else "No candidate was lost."
    return Plot(
        "reasons",
        "Why candidates were lost",
        f"Candidates that were not accepted, by the reason they ended with. {most}",
        panels,
        (Table("Accepted rows", ("refine passes", "rows"), passes),),
    )


def _draw_reasons(reasons: Sequence[tuple[str, int]]) -> Panel:
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [count for _, count in reasons],
        "y": [-place for place in range(len(reasons))],
        "width": 0.34,
        "marker": {"color": "@synthetic/0.6"},
        "hovertemplate": "%{x:,}<extra></extra>",
    }
    layout = make_rows_layout([name for name, _ in reasons], xaxis={"title": {"text": "candidates"}, "nticks": 5})
    return Panel([bars], layout)


PLOTS = (
    Drawing("validity", "rules", "Rules that every row obeys", draw_rules),
    Drawing("balance", "controls", "Controls, delivered against declared", draw_controls),
    Drawing("duplicates", "similarity", "Nearest text", draw_similarity),
    Drawing("duplicates", "near-pairs", "Nearest pairs", draw_near_pairs),
    Drawing("scores", "scores", "Scores by criterion", draw_scores),
    Drawing("funnel", "reasons", "Why candidates were lost", draw_reasons),
)
