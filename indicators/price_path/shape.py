"""The arithmetic of price paths: blocks of bars, the factor that stretches them, and the bend of the bars in the trade.

A path has three parts, `before`, `inside` and `after`. A frame of paths says of each part where its bars come from
and go to: `{part}_bars` (how many), `{part}_place` (row number of the first in the source), `{part}_reference` (row
number of the bar whose close deviations are measured from) and `{part}_minute` (row number of its first minute in the
calendar).
"""

import polars as pl

from indicators.bars import PRICES, VALUES
from indicators.price_path.donors import Source
from indicators.technicals import attach_technicals

LOWEST_SHARE = 0.1  # of the entry or exit price; a path that would fall below is not taken as it is

OPEN, HIGH, LOW, CLOSE = map(pl.col, PRICES)


def shape_paths(paths: pl.DataFrame, source: Source, minutes: pl.Series) -> pl.DataFrame:
    """Return the bars of all paths that can be built from their donors' bars: `row_id`, `timestamp`, prices, volume.

    A path cannot be built where the donor's block has no range, or where stretching it would lead below a tenth of the
    entry price.
    """
    before = take_block(paths, source, minutes, "before")
    stretched = measure_stretch(paths, before)
    parts = (
        before.join(stretched.select("row_id", "entry_price", "stretch"), on="row_id").with_columns(
            pl.col(PRICES) * pl.col("stretch") + pl.col("entry_price")
        ),
        bend_inside(take_block(stretched, source, minutes, "inside"), stretched),
        extend_after(take_block(stretched, source, minutes, "after"), stretched),
    )
    return pl.concat(part.select("row_id", "timestamp", *VALUES) for part in parts)


def take_block(paths: pl.DataFrame, source: Source, minutes: pl.Series, part: str) -> pl.DataFrame:
    """Return the bars of one part, retimed: prices as deviations from the reference close, in the trade's direction.

    The bars of a donor that traded the other way are turned upside down (`turn` is -1), so that what was a rise into
    the donor's entry, seen in its direction, is one in the trade's. Volume is the donor's, but 1 share at least.
    """
    first = pl.col(f"{part}_minute")
    closes = source.bars.get_column("close")
    block = (
        paths.with_columns(reference=closes.gather(paths.get_column(f"{part}_reference")))
        .filter(pl.col(f"{part}_bars") > 0)
        .select(
            "row_id",
            "turn",
            "reference",
            lag=pl.col(f"{part}_place") - first,
            minute=pl.int_ranges(first, first + pl.col(f"{part}_bars")),
        )
        .explode("minute")
    )
    taken = source.bars[block.get_column("minute") + block.get_column("lag")]
    return (
        block.hstack(taken)
        .with_columns((pl.col(PRICES) - pl.col("reference")) * pl.col("turn"))
        .select(
            "row_id",
            OPEN,
            CLOSE,
            pl.col("volume").clip(lower_bound=1.0),
            timestamp=minutes.gather(block.get_column("minute")),
            high=pl.max_horizontal(HIGH, LOW),
            low=pl.min_horizontal(HIGH, LOW),
        )
    )


def measure_stretch(paths: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Keep the paths whose bars before the entry can have the volatility that is asked for, and add their `stretch`.

    True ranges grow by the factor that all deviations from the last close are multiplied with, and so does the ATR. The
    factor is the one that makes 100 x ATR(14) / last close the entry's volatility.
    """
    ranges = (
        attach_technicals(before, ["atr_14"], by="row_id")
        .group_by("row_id")
        .agg(pl.col("atr_14").last(), pl.col("low").min().alias("depth"))
    )
    asked, got = pl.col("entry_volatility_percent") / 100 * pl.col("entry_price"), pl.col("atr_14")
    lowest = pl.col("entry_price") + pl.col("stretch") * pl.col("depth")
    return (
        paths.join(ranges, on="row_id", maintain_order="left")
        .filter((got > 0) | (asked == 0))
        .with_columns(stretch=pl.when(asked > 0).then(asked / got).otherwise(0.0))
        .filter(lowest >= LOWEST_SHARE * pl.col("entry_price"))
        .drop("atr_14", "depth")
    )


def bend_inside(inside: pl.DataFrame, paths: pl.DataFrame) -> pl.DataFrame:
    """Turn the deviations in the trade into prices between `lowest` and `highest` that end at the exit price.

    Three steps. A straight line is added, so that the last close is the exit price; bodies of bars follow it, wicks
    keep their length. What lies beyond entry and exit price is drawn out or pressed together until the extremes are
    `lowest` and `highest`: a rising map, so bars stay bars. The bar that reaches farthest then touches the extreme
    exactly.
    """
    number, count = pl.int_range(pl.len()).over("row_id"), pl.col("inside_bars")
    known = ("row_id", "entry_price", "exit_price", "lowest", "highest", "inside_bars", "stretch")
    body_top, body_bottom = pl.max_horizontal(OPEN, CLOSE), pl.min_horizontal(OPEN, CLOSE)
    missing = pl.col("exit_price") - pl.col("entry_price") - CLOSE.last().over("row_id")
    line = pl.col("entry_price") + pl.col("missing") * pl.col("number") / count
    start = pl.col("entry_price").clip(pl.col("lowest"), pl.col("highest"))
    return (
        inside.join(paths.select(known), on="row_id", maintain_order="left")
        .with_columns(pl.col(PRICES) * pl.col("stretch"), number=number)
        .with_columns(missing=missing, wick_above=HIGH - body_top, wick_below=body_bottom - LOW)
        .with_columns(open=OPEN + line, close=CLOSE + line + pl.col("missing") / count)
        .with_columns(high=body_top + pl.col("wick_above"), low=body_bottom - pl.col("wick_below"))
        .with_columns(
            floor=pl.min_horizontal(start, "exit_price"),
            ceiling=pl.max_horizontal(start, "exit_price"),
            bottom=LOW.min().over("row_id"),
            top=HIGH.max().over("row_id"),
            is_lowest=LOW.arg_min().over("row_id") == pl.col("number"),
            is_highest=HIGH.arg_max().over("row_id") == pl.col("number"),
        )
        .with_columns(_fit(pl.col(name)).alias(name) for name in PRICES)
        .with_columns(
            close=pl.when(pl.col("number") == count - 1).then("exit_price").otherwise(CLOSE),
            seen=pl.when(pl.col("number") == 0).then(start),  # the bar of the entry holds its price
        )
        .with_columns(
            high=pl.when("is_highest").then("highest").otherwise(pl.max_horizontal(HIGH, CLOSE, "seen")),
            low=pl.when("is_lowest").then("lowest").otherwise(pl.min_horizontal(LOW, CLOSE, "seen")),
        )
    )


def _fit(price: pl.Expr) -> pl.Expr:
    floor, ceiling, lowest, highest = map(pl.col, ("floor", "ceiling", "lowest", "highest"))
    down = (floor - lowest) / (floor - pl.col("bottom"))
    up = (highest - ceiling) / (pl.col("top") - ceiling)
    fitted = (
        pl.when(price < floor)
        .then(floor - (floor - price) * down)
        .when(price > ceiling)
        .then(ceiling + (price - ceiling) * up)
        .otherwise(price)
    )
    return fitted.clip(lowest, highest)


def extend_after(after: pl.DataFrame, paths: pl.DataFrame) -> pl.DataFrame:
    """Turn the deviations after the exit into prices that go on from the exit price.

    They are stretched as before the entry, or less where that would lead below a tenth of the exit price.
    """
    drop = -(LOW.min().over("row_id") * pl.col("stretch"))
    room = (1 - LOWEST_SHARE) * pl.col("exit_price")
    return after.join(paths.select("row_id", "exit_price", "stretch"), on="row_id", maintain_order="left").with_columns(
        pl.col(PRICES) * pl.col("stretch") * (room / pl.max_horizontal(room, drop)) + pl.col("exit_price")
    )
