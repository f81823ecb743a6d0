"""Where donors' entries lie among the bars of several tickers."""

from collections.abc import Callable

import polars as pl

from indicators.price_path.donors import locate_donors


def test_every_donor_keeps_to_its_own_tickers_bars(
    make_bars: Callable[..., pl.DataFrame], make_trade: Callable[..., dict[str, object]]
) -> None:
    bars = pl.concat([make_bars([100.0] * 40, "AIG"), make_bars([100.0] * 50), make_bars([100.0] * 60, "SPY")])
    donors = pl.DataFrame([{"trade_id": f"gold-{t}"} | make_trade() | {"ticker": t} for t in ("SPY", "AIG", "IBM")])
    found = locate_donors(donors, bars).donors.sort("donor_id")
    assert found.select("first", "anchor", "end").rows() == [(0, 30, 40), (40, 70, 90), (90, 120, 150)]
