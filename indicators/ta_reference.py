"""What the library `ta` says: the same names, series by series, for tests and the benchmark to compare with."""

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from ta.momentum import RSIIndicator, StochasticOscillator
from ta.trend import MACD, ADXIndicator, CCIIndicator, EMAIndicator
from ta.volatility import AverageTrueRange, BollingerBands
from ta.volume import MFIIndicator, OnBalanceVolumeIndicator


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
