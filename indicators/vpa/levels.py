"""Support and resistance near a bar: trailing pivots, and the price at which most was traded.

Sources: pivots are B. Williams's "fractals" ("Trading Chaos", 1995), read once the bars after them are there; volume
at price is that of J. Dalton's "Mind over Markets" (1990), and Coulling gives it a chapter: where most changed hands,
many have something to defend.
"""

from functools import partial

import numpy as np
import polars as pl

from indicators.vpa.measures import (
    CLOSE,
    DIGITS,
    HIGHEST,
    LOOKBACK,
    LOWEST,
    Floats,
    choose_class,
    is_known,
    map_windows,
)

PIVOT_BARS = 3  # bars on either side that a pivot stands out from: 2 (B. Williams) are met by every other wiggle
PIVOT_WINDOW = (
    LOOKBACK - 2 * PIVOT_BARS + 1
)  # bars at which a pivot can become known whose bars all lie in the lookback
PRICE_BINS = 10  # of the LOOKBACK bars' range: 5 bars each on average, enough to tell a crowded price from an empty one
LEVEL_SOURCE = pl.Enum(["pivot", "volume"])


def find_levels(measured: pl.DataFrame) -> pl.DataFrame:
    """Return what `measure_bars` gives with the nearest level below and above each close.

    A pivot high is a high that none of PIVOT_BARS bars before and after exceeds; it is known PIVOT_BARS bars later. A
    pivot low mirrors it. `volume_price` (dollars): middle of that of PRICE_BINS equal parts of the range of LOOKBACK
    bars up to this one in which the typical price (high + low + close) / 3 of the most volume fell, the lowest of
    equals; `volume_price_share`: its share of that volume. Both null where the range is flat or nothing was traded.

    `support`, `resistance` (dollars): the nearest pivot low (high), or `volume_price`, below (above) the close;
    `support_source`, `resistance_source`: which of them, pivot where they are equal; `support_spreads`,
    `resistance_spreads`: distance from the close in typical spreads, null where that is 0; `support_percent`,
    `resistance_percent`: in percent of the close. All null where there is no such level among the LOOKBACK bars.
    """
    width = 2 * PIVOT_BARS + 1
    high, low = HIGHEST.shift(PIVOT_BARS), LOWEST.shift(PIVOT_BARS)
    pivots = measured.select(
        high=pl.when(high == HIGHEST.rolling_max(width)).then(high),
        low=pl.when(low == LOWEST.rolling_min(width)).then(low),
    )
    close = measured.get_column("close").to_numpy()
    (above,), (below,) = (
        map_windows([pivots.get_column(name).to_numpy(), close], PIVOT_WINDOW, partial(_find_nearest, side=side))
        for name, side in (("high", 1), ("low", -1))
    )
    return (
        _weigh_prices(measured)
        .with_columns(_above=pl.Series(above).fill_nan(None), _below=pl.Series(below).fill_nan(None))
        .with_columns(
            *_choose_level("resistance", pl.col("_above"), 1), *_choose_level("support", pl.col("_below"), -1)
        )
        .drop("_above", "_below")
    )


def _find_nearest(pivots: Floats, closes: Floats, side: int) -> tuple[Floats]:
    distance = side * (pivots - closes[:, -1:])
    beyond = np.where(distance > 0, distance, np.inf)
    nearest = beyond.argmin(axis=1)
    rows = np.arange(len(pivots))
    return (np.where(np.isfinite(beyond[rows, nearest]), pivots[rows, nearest], np.nan),)


def _choose_level(name: str, pivot: pl.Expr, side: int) -> list[pl.Expr]:
    crowded = pl.col("volume_price")
    node = pl.when(side * (crowded - CLOSE) > 0).then(crowded)
    level = pl.when(is_known()).then((pl.min_horizontal if side > 0 else pl.max_horizontal)(pivot, node))
    distance = side * (level - CLOSE)
    typical = pl.col("typical_spread")
    return [
        level.alias(name),
        choose_class(LEVEL_SOURCE, {"pivot": level == pivot, "volume": level == node}).alias(f"{name}_source"),
        pl.when(typical > 0).then((distance / typical).round(2)).alias(f"{name}_spreads"),
        (100 * distance / CLOSE).round(2).alias(f"{name}_percent"),
    ]


def _weigh_prices(measured: pl.DataFrame) -> pl.DataFrame:
    high, low, close, volume = (measured.get_column(name).to_numpy() for name in ("high", "low", "close", "volume"))
    price, share = map_windows([(high + low + close) / 3, high, low, volume], LOOKBACK, _find_heaviest, outputs=2)
    return measured.with_columns(
        volume_price=pl.when(is_known()).then(pl.lit(pl.Series(price)).fill_nan(None).round_sig_figs(DIGITS)),
        volume_price_share=pl.when(is_known()).then(pl.lit(pl.Series(share)).fill_nan(None).round(2)),
    )


def _find_heaviest(typical: Floats, high: Floats, low: Floats, volume: Floats) -> tuple[Floats, Floats]:
    rows = len(typical)
    bottom = low.min(axis=1)
    span = high.max(axis=1) - bottom
    place = (typical - bottom[:, None]) / np.where(span > 0, span, 1.0)[:, None] * PRICE_BINS
    bins = np.minimum(place.astype(np.int64), PRICE_BINS - 1) + PRICE_BINS * np.arange(rows)[:, None]
    traded = np.bincount(bins.ravel(), volume.ravel(), minlength=rows * PRICE_BINS).reshape(rows, PRICE_BINS)
    heaviest, total = traded.argmax(axis=1), traded.sum(axis=1)
    known = (span > 0) & (total > 0)
    price = bottom + (heaviest + 0.5) * span / PRICE_BINS
    share = traded.max(axis=1) / np.where(total > 0, total, 1.0)
    return np.where(known, price, np.nan), np.where(known, share, np.nan)
