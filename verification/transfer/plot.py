"""The report's table of arms."""

from collections.abc import Mapping
from typing import Any

from verification.report.parts import Plot, Table, format_number, get_rows, get_value, say_interval

Metrics = Mapping[str, Any]


def draw_arms(metrics: Metrics) -> Plot:
    """Draw the error of every arm and floor, and the price nobody should be judged by."""
    rows = [
        (
            str(arm.get("title")),
            format_number(arm.get("excursions")),
            say_interval(arm.get("gain")),
            format_number(arm.get("range")),
        )
        for arm in get_rows(metrics, "arms")
    ]
    price = [
        (
            name,
            format_number(get_value(metrics, "price", f"{key}rmse")),
            format_number(get_value(metrics, "price", f"{key}mape")),
        )
        for name, key in (("synthetic, then gold", ""), ("no change", "naive_"))
    ]
    network, strategy, starts = (get_value(metrics, name) for name in ("network", "strategy", "starts"))
    return Plot(
        "arms",
        "What was read, and how well held-out gold was told",
        f"Mean squared error in the gold's deviations; 1 is a guess of the mean. A network of {network} ({strategy}), "
        f"{starts} starts. Gain: how far the error of “synthetic, then gold” lies below, over sessions: "
        "90% for gold only, 80% for controls.",
        tables=(
            Table("Excursions, and the range of five bars", ("read", "excursions", "gain", "range"), rows),
            Table("Close of the fifth bar: shown only", ("told by", "RMSE", "MAPE %"), price),
        ),
        is_wide=True,
    )
