"""The synthetic trades that lie closest to a gold trade, each beside it."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gold_data.trades.schema import NUMBER_FIELDS
from verification.answers import Matrix

PAIRS = 5
SHOWN = ("ticker", "trade_type", "entry_time", "exit_time", *NUMBER_FIELDS, "trade_percent_change")

Places = NDArray[np.int64]


def list_pairs(
    train: pl.DataFrame, synthetic: pl.DataFrame, near: tuple[Matrix, Places, Matrix], exact: pl.DataFrame
) -> list[dict[str, Any]]:
    """List the closest pairs of a synthetic trade and a train row, closest first, both sides with core values.

    `near` is of each synthetic trade: the distance of its closest train row, that row's place, how alone it is.
    """
    distance, places, ratio = near
    copied = set(exact["trade_id"])
    pairs = []
    for place in np.argsort(distance, kind="stable")[:PAIRS].tolist():
        row = int(places[place])
        sides = {"synthetic": synthetic.row(place, named=True), "train": train.row(row, named=True)}
        shown = {side: {name: _show(values[name]) for name in SHOWN} for side, values in sides.items()}
        ids = {f"{side}_id": str(values["trade_id"]) for side, values in sides.items()}
        apart = {"distance": float(distance[place]), "ratio": float(ratio[place])}
        pairs.append({**ids, **apart, "is_exact": ids["synthetic_id"] in copied, **shown})
    return pairs


def _show(value: Any) -> Any:
    return value.isoformat(sep=" ") if hasattr(value, "isoformat") else value
