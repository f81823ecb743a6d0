"""Plots of what the run took: the funnel of candidates, and what each stage cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from verification.report.parts import (
    MissingDataError,
    Panel,
    Plot,
    Table,
    format_count,
    get_list,
    get_rows,
    is_number,
    make_rows_layout,
)

Metrics = Mapping[str, Any]
COSTS = {
    "requests": "requests",
    "prompt_tokens": "tokens in",
    "completion_tokens": "tokens out",
    "seconds": "seconds",
    "cost": "cost",
}


def draw_funnel(metrics: Metrics) -> Plot:
    """Draw how many candidates were left at each stage."""
    pairs = [
        (str(step[0]), int(step[1]))
        for step in get_list(metrics, "plots", "funnel")
        if isinstance(step, list | tuple) and len(step) == 2 and is_number(step[1])
    ]
    if not pairs or pairs[0][1] <= 0:
        raise MissingDataError("Left out: the run's ledger counts no candidates.")
    first, last = pairs[0][1], pairs[-1][1]
    counts = [count for _, count in pairs]
    text = [f"{count:,} · {100 * count / first:.0f}%" for count in counts]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": counts,
        "y": [-place for place in range(len(pairs))],
        "width": 0.34,
        "marker": {"color": ["@synthetic/0.45"] * (len(pairs) - 1) + ["@synthetic"]},
        "hoverinfo": "skip",
    }
    layout = make_rows_layout([name for name, _ in pairs], xaxis={"visible": False, "range": [0, first]})
    layout["annotations"] += [
        {**note, "text": said, "x": 1, "xanchor": "right", "align": "right", "xshift": 0, "font": {"color": "@soft"}}
        for note, said in zip(layout["annotations"], text, strict=True)
    ]
    layout["height"] -= 44
    layout["margin"] = {"l": 3, "r": 3, "t": 4, "b": 4}
    losses = [(pairs[place][1] - pairs[place + 1][1], pairs[place + 1][0]) for place in range(len(pairs) - 1)]
    most = max(losses, default=(0, ""))
    told = f" Most, {most[0]:,}, were lost on the way to “{most[1]}”." if most[0] > 0 else ""
    return Plot(
        "funnel",
        "Funnel of candidates",
        f"{last:,} of {first:,} candidates were accepted, {100 * last / first:.0f}%.{told} "
        "Refinement wins back what was lost at first.",
        (Panel([bars], layout),),
    )


def draw_stages(metrics: Metrics) -> Plot:
    """Draw tokens and time of each stage, with all that is known of its cost in a table."""
    stages = get_rows(metrics, "plots", "stages")
    names = [str(stage.get("stage")).replace("_", " ") for stage in stages]
    tokens = [[stage.get(name) for stage in stages] for name in ("prompt_tokens", "completion_tokens")]
    panels = []
    if any(is_number(value) for values in tokens for value in values):
        data = [
            {
                "type": "bar",
                "orientation": "h",
                "x": values,
                "y": [-place for place in range(len(names))],
                "width": 0.34,
                "marker": {"color": colour},
                "hovertemplate": f"{what} %{{x:,}}<extra></extra>",
            }
            for values, colour, what in zip(tokens, ("@synthetic/0.45", "@synthetic"), ("in", "out"), strict=True)
        ]
        layout = make_rows_layout(names, barmode="stack", xaxis={"title": {"text": "tokens"}, "nticks": 5})
        panels.append(Panel(data, layout))
    columns = [
        (said, key)
        for key, said in COSTS.items()
        if key == "requests" or any(is_number(stage.get(key)) for stage in stages)
    ]
    rows = [
        (name, *(format_count(stage.get(key)) for _, key in columns)) for name, stage in zip(names, stages, strict=True)
    ]
    head = ("stage", *(said for said, _ in columns))
    return Plot(
        "stages",
        "What each stage cost",
        _tell_stages(stages),
        tuple(panels),
        (Table("", head, rows),),
        legend=(("tokens in", "synthetic", "band"), ("tokens out", "synthetic", "line")) if panels else (),
    )


def _tell_stages(stages: Sequence[Metrics]) -> str:
    known = [
        (sum(stage[key] for key in ("prompt_tokens", "completion_tokens")), str(stage.get("stage")))
        for stage in stages
        if is_number(stage.get("prompt_tokens")) and is_number(stage.get("completion_tokens"))
    ]
    total = sum(count for count, _ in known)
    if total <= 0:
        return "What each stage asked of its model; a dash is what the endpoint did not report."
    most, name = max(known)
    return f"“{name}” took most of the {total:,} tokens, {100 * most / total:.0f}%; a dash is what nobody reported."


def draw_losses(metrics: Metrics) -> Plot:
    """Show how many candidates of each control's values were lost, and whether they differ for certain."""
    controls = get_rows(metrics, "plots", "losses")
    if not controls:
        raise MissingDataError("Left out: no control has two values of which candidates came to their end.")
    tables = tuple(
        Table(
            f"{each['control']}{' (uneven)' if each['is_uneven'] else ''}",
            ("value", "candidates", "lost", "rate"),
            [
                (str(value), format_count(count), format_count(lost), f"{100 * lost / count:.0f}%")
                for value, count, lost in zip(each["values"], each["candidates"], each["lost"], strict=True)
            ],
        )
        for each in controls
    )
    uneven = [str(each["control"]) for each in controls if each["is_uneven"]]
    said = f"They differ for certain over {', '.join(uneven)}: what is accepted is skewed." if uneven else ""
    even = "No control's values differ in how many candidates they lost, as far as can be told."
    return Plot("losses", "Losses by control", said or even, tables=tables)
