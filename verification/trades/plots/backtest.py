"""Plots of the backtest: ranks of strategies, regret, luck."""

from collections.abc import Mapping
from typing import Any

from scipy.stats import rankdata

from verification.report.parts import (
    MissingDataError,
    Panel,
    Plot,
    draw_intervals,
    format_number,
    get_mapping,
    get_numbers,
    get_value,
    is_number,
    make_dots,
    make_line,
    say_interval,
)

Metrics = Mapping[str, Any]


def draw_ranks(metrics: Metrics) -> Plot:
    """Draw each strategy's rank on synthetic trades, and on the gold's train part, against that on held-out gold."""
    columns = {name: get_numbers(metrics, "strategies", name) for name in ("synthetic", "train", "holdout")}
    if len({len(values) for values in columns.values()}) > 1 or any(None in values for values in columns.values()):
        raise MissingDataError("Left out: strategies were not replayed on all three kinds of trades.")
    texts = _name_strategies(metrics, len(columns["holdout"]))
    ranks = {name: [len(values) + 1 - rank for rank in rankdata(values).tolist()] for name, values in columns.items()}
    panels = []
    for name, colour, title in (("synthetic", "synthetic", "Synthetic"), ("train", "gold", "Gold, train part")):
        count = len(texts)
        custom = [list(pair) for pair in zip(columns[name], columns["holdout"], strict=True)]
        hover = "%{text}<br>here %{customdata[0]:.3f}% per trade<br>held-out %{customdata[1]:.3f}%"
        data = [
            make_line([1, count], [1, count], "@soft", "", line={"width": 1, "dash": "dot"}, hoverinfo="skip"),
            make_dots(
                ranks["holdout"],
                ranks[name],
                f"@{colour}",
                hover,
                text=texts,
                customdata=custom,
                marker={"size": 7, "opacity": 0.65},
            ),
        ]
        axis = {"range": [count + 2, -1], "tickvals": sorted({1, round(count / 2), count})}
        layout = {
            "height": 330,
            "xaxis": {**axis, "title": {"text": "rank on held-out gold"}},
            "yaxis": {**axis, "title": {"text": "rank here"}},
        }
        panels.append(Panel(data, layout, title))
    rho, floor = (say_interval(get_value(metrics, "rho", "expectancy", which)) for which in ("rho", "floor"))
    return Plot(
        "ranks",
        "Strategy ranks",
        "Each dot is one combination of exits, the best at the top right. Dots along the "
        f"dotted line rank alike on held-out gold: rank correlation {rho} on synthetic trades, "
        f"{floor} on the train part.",
        tuple(panels),
        is_wide=True,
    )


def _name_strategies(metrics: Metrics, count: int) -> list[str]:
    exits = [
        get_value(metrics, "strategies", name) or [None] * count for name in ("stop", "target", "trail", "minutes")
    ]
    words = ("stop", "target", "trailing stop")
    return [
        ", ".join(
            f"{word} {format_number(value)}x volatility" if is_number(value) else f"no {word}"
            for word, value in zip(words, each[:3], strict=True)
        )
        .replace(", trailing", ",<br>trailing")
        .replace(", no trailing", ",<br>no trailing")
        + f", {format_number(each[3])} min"
        for each in zip(*exits, strict=True)
    ]


def draw_regret(metrics: Metrics) -> Plot:
    """Draw what is given away on held-out gold by choosing the best strategy elsewhere."""
    names = {"synthetic": "best on synthetic", "train": "best on the train part", "random": "a strategy at random"}
    regret = get_mapping(metrics, "regret_percent")
    rows = [(said, regret[name]) for name, said in names.items() if is_number(get_value(regret, name, "value"))]
    if not rows:
        raise MissingDataError("Left out: no strategy's regret is known.")
    colours = {"best on synthetic": "@synthetic", "best on the train part": "@gold", "a strategy at random": "@noise"}
    panel = draw_intervals(rows, "percent per trade given away", colours=[colours[label] for label, _ in rows])
    return Plot(
        "regret",
        "Regret of the choice",
        "Percent per trade that the strategy chosen gives away to the one that was best "
        "on held-out gold, in hindsight. Blue should lie at amber, and well left of grey.",
        (panel,),
    )


def draw_luck(metrics: Metrics) -> Plot:
    """Draw how likely the search's best strategy is mere luck."""
    names = (
        ("synthetic, overfit probability (PBO)", ("search", "synthetic", "pbo"), "@synthetic"),
        ("gold, overfit probability (PBO)", ("search", "gold", "pbo"), "@gold"),
        ("synthetic, deflated Sharpe", ("search", "synthetic", "deflated_sharpe"), "@synthetic"),
        ("gold, deflated Sharpe", ("search", "gold", "deflated_sharpe"), "@gold"),
        ("synthetic's best, held-out: deflated Sharpe", ("search", "synthetic_best_on_holdout"), "@held"),
    )
    found = [(label, get_value(metrics, *path), colour) for label, path, colour in names]
    known = [(label, row, colour) for label, row, colour in found if is_number(get_value(row, "value"))]
    if not known:
        raise MissingDataError("Left out: there were too few sessions to say how lucky a search is.")
    panel = draw_intervals(
        [row[:2] for row in known],
        "probability",
        zero=0.5,
        colours=[row[2] for row in known],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
    )
    panel.layout["xaxis"]["range"] = [-0.02, 1.02]
    told = {
        "Each search is of": get_value(metrics, "search", "synthetic", "is_of"),
        "Synthetic's best is held against": get_value(metrics, "search", "synthetic_best_on_holdout_is_of"),
    }
    of = "".join(f" {said} {what}." for said, what in told.items() if isinstance(what, str) and what)
    search = get_mapping(metrics, "search", "synthetic")
    tried, alike = search.get("trials_per_search"), get_value(search, "independent_trials", "value")
    if is_number(tried) and is_number(alike):
        of += f" The {tried} strategies tried are much alike: they count as {format_number(alike)} independent ones."
    return Plot(
        "luck",
        "Luck in the search",
        "How much of the best strategy is luck on this much data. PBO: how often the best of a search falls below the "
        "middle afterwards; from 0.5 on the search found nothing. Deflated Sharpe: the chance that its return is above "
        "0 at all, given how many were tried; only near 1 is it a find."
        f"{of}",
        (panel,),
    )
