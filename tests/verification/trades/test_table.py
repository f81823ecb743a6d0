"""Tables of trades as the questions read them, and the features that controls set."""

from pathlib import Path

import polars as pl
import pytest

from designer_configs.compile.controls import Control
from verification.errors import VerificationError
from verification.trades.features import EXITS
from verification.trades.table import CONDITIONS, name_controlled, shape_trades

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


def test_a_control_sets_the_feature_of_its_field() -> None:
    controls = [make_control("volatility", "entry_volatility_percent"), make_control("symbol", "ticker")]
    assert name_controlled(controls) == ("entry_volatility_percent",)
    assert name_controlled([]) == ()


def test_a_control_may_set_an_outcome() -> None:
    fields = ("exit_time", "trade_percent_change", "best_exit_percent", "worst_exit_percent")
    assert name_controlled([make_control(field, field) for field in fields]) == EXITS
    assert name_controlled([make_control("symbol", "ticker")]) == ()
    mixed = [make_control("change", "trade_percent_change"), make_control("mood", None)]
    assert set(name_controlled(mixed)) == {*CONDITIONS, "trade_percent_change"}


def test_a_control_without_a_field_may_set_anything_known_at_the_entry() -> None:
    assert name_controlled([make_control("mood", None)]) == CONDITIONS
