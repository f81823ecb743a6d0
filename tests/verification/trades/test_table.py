"""Tables of trades as the questions read them, and the features that controls set."""

from pathlib import Path

import polars as pl
import pytest

from designer_configs.compile.controls import Control
from verification.errors import VerificationError
from verification.trades.features import EXITS
from verification.trades.table import name_controlled, shape_trades
from verification.trades.waiving import Waived

PATH = Path("accepted.parquet")


def make_control(name: str, field: str | None) -> Control:
    rule = {"field": field} if field else None
    return Control({"name": name}, "", rule, rule)


def test_times_come_on_the_exchanges_clock(gold: pl.DataFrame) -> None:
    abroad = gold.with_columns(pl.col("entry_time").dt.convert_time_zone("UTC"))
    assert shape_trades(abroad, "trade_id", PATH)["entry_time"].to_list() == gold["entry_time"].to_list()


def test_times_that_are_text_are_named(gold: pl.DataFrame) -> None:
    with pytest.raises(VerificationError, match="entry_time is String; it should be a time with a zone"):
        shape_trades(gold.with_columns(pl.col("entry_time").cast(pl.String)), "trade_id", PATH)


def test_a_column_that_is_missing_is_named(gold: pl.DataFrame) -> None:
    with pytest.raises(VerificationError, match="entry_price is missing"):
        shape_trades(gold.drop("entry_price"), "trade_id", PATH)


def test_what_is_waived_and_outcomes_are_what_controls_set() -> None:
    waived = (Waived("entry_volatility_percent", "volatility", ()),)
    assert name_controlled([make_control("symbol", "ticker")], waived) == ("entry_volatility_percent",)
    assert name_controlled([], ()) == ()
    fields = ("exit_time", "trade_percent_change", "best_exit_percent", "worst_exit_percent")
    assert name_controlled([make_control(field, field) for field in fields], ()) == EXITS
