"""Edits that no critique asked for are undone and counted."""

from columns.scoped_edit import keep_criticised_edits

PREVIOUS = {"ticker": "SPY", "exit_price": 100.5, "exit_time": "17:00:00"}


def test_criticised_field_takes_the_refined_value() -> None:
    edit = keep_criticised_edits(PREVIOUS, {**PREVIOUS, "exit_time": "15:00:00"}, ["exit_time"])
    assert edit.trade["exit_time"] == "15:00:00"
    assert edit.patch == [{"op": "replace", "path": "/exit_time", "value": "15:00:00"}]
    assert edit.undone == []


def test_edit_elsewhere_is_undone() -> None:
    edit = keep_criticised_edits(PREVIOUS, {**PREVIOUS, "exit_price": 101.0, "exit_time": "15:00:00"}, ["exit_time"])
    assert edit.trade["exit_price"] == 100.5
    assert edit.undone == ["exit_price"]


def test_refiner_that_changes_nothing_leaves_an_empty_patch() -> None:
    assert keep_criticised_edits(PREVIOUS, dict(PREVIOUS), ["exit_time"]).patch == []


def test_refiner_that_only_strays_leaves_the_trade_as_it_was() -> None:
    edit = keep_criticised_edits(PREVIOUS, {**PREVIOUS, "ticker": "IBM"}, [])
    assert (edit.trade, edit.undone, edit.patch) == (PREVIOUS, ["ticker"], [])
