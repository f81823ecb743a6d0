"""What a run's columns mean is said with the clock and the currency of its markets."""

import json

import pytest

from columns.declared import read_declared
from columns.dictionary import describe_run, describe_tables
from gold_data.markets import USUAL, read_markets
from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["trade_log", "vpa", "strategy", "stock_report"])
def test_elsewhere_than_in_new_york_no_dollars_are_spoken_of(name: str) -> None:
    declared = read_declared(ROOT / "columns" / name)
    said = json.dumps(describe_run(declared, (), read_markets("XETR", "here")))
    assert "dollars" not in said
    assert "exchange time" not in said
    assert describe_run(declared, (), USUAL) == describe_tables(declared, ())
