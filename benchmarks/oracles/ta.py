"""What the library `ta` says, series by series: what tests and the benchmark hold the indicators against.

Values agree when they differ by 1e-9 of their size at the most. Where a value may cancel to next to nothing, its size
is taken as no less than a floor: 1e-4 of the highest close so far for what is a difference of averages of the close, 1
for what is measured on a scale of 100 and computed in another order than `ta` does.
"""

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from ta.momentum import RSIIndicator, StochasticOscillator
from ta.trend import MACD, ADXIndicator, CCIIndicator, EMAIndicator
from ta.volatility import AverageTrueRange, BollingerBands
from ta.volume import MFIIndicator, OnBalanceVolumeIndicator

from indicators.technicals import INDICATORS

AGREEMENT = 1e-9
PRICE_FLOOR = dict.fromkeys(("macd", "macd_signal", "macd_hist"), 1e-4)
FLOOR = dict.fromkeys(("adx_7", "adx_14", "adx_28", "plus_di_14", "minus_di_14", "rsi_14", "stoch_d_3", "mfi_14"), 1.0)


def ask_ta(bars: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return what `ta` computes for the bars of one series, one value per bar and name, `vwap_session` left out.

    NaN or 0 while warming up, as `ta` has it; all NaN where the series is too short for `ta` not to fail.
    """
    high, low, close, volume = (
        pd.Series(bars.get_column(name).to_numpy()) for name in ("high", "low", "close", "volume")
    )
    nothing = pd.Series(np.full(len(close), np.nan))
    found = {}
    for window in (14, 28):
        enough = len(close) >= window
        found[f"atr_{window}"] = AverageTrueRange(high, low, close, window).average_true_range() if enough else nothing
    movement = {window: ADXIndicator(high, low, close, window) for window in (7, 14, 28) if len(close) >= window}
    for window in (7, 14, 28):
        found[f"adx_{window}"] = movement[window].adx() if len(close) >= 2 * window else nothing
    found["plus_di_14"] = movement[14].adx_pos() if 14 in movement else nothing
    found["minus_di_14"] = movement[14].adx_neg() if 14 in movement else nothing
    found["rsi_14"] = RSIIndicator(close, 14).rsi()
    macd = MACD(close, window_slow=26, window_fast=12, window_sign=9)
    found |= {"macd": macd.macd(), "macd_signal": macd.macd_signal(), "macd_hist": macd.macd_diff()}
    bands = BollingerBands(close, 20, 2)
    found |= {"bb_high_20": bands.bollinger_hband(), "bb_low_20": bands.bollinger_lband()}
    found |= {"bb_percent_20": bands.bollinger_pband(), "bb_width_20": bands.bollinger_wband()}
    found |= {f"ema_{window}": EMAIndicator(close, window).ema_indicator() for window in (9, 20, 50)}
    stochastic = StochasticOscillator(high, low, close, 14, 3)
    found |= {"stoch_k_14": stochastic.stoch(), "stoch_d_3": stochastic.stoch_signal()}
    found["cci_20"] = CCIIndicator(high, low, close, 20).cci()
    found["obv"] = OnBalanceVolumeIndicator(close, volume).on_balance_volume()
    found["mfi_14"] = MFIIndicator(high, low, close, volume, 14).money_flow_index()
    found["volatility_ratio"] = found["atr_14"] / found["atr_28"]
    return {name: values.to_numpy() for name, values in found.items()}


def list_disagreements(valued: pl.DataFrame) -> list[str]:
    """Name the first bar at which an attached indicator of one series is not what `ta` says.

    In the warm-up it should be null. Afterwards it should be null where `ta` has NaN, and agree where it has a value.
    """
    highest = valued.get_column("close").cum_max().to_numpy()
    found = []
    for name, theirs in ask_ta(valued).items():
        ours = valued.get_column(name).to_numpy()
        warm = np.arange(len(ours)) >= INDICATORS[name].warm_up
        size = np.maximum(np.abs(theirs), PRICE_FLOOR.get(name, 0.0) * highest + FLOOR.get(name, 0.0))
        agrees = np.isnan(ours) & (np.isnan(theirs) | ~warm) | warm & (np.abs(ours - theirs) <= AGREEMENT * size)
        for bar in np.flatnonzero(~agrees)[:1]:
            found.append(f"{name} at bar {bar}: {ours[bar]!r}, ta {theirs[bar]!r}")
    return found
