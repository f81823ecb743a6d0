"""Reference generators whose faults are known, made from the gold's train part, so that every score has a scale.

They are trade tables like any other, but only copies and bootstraps obey the rules: noise has `worst` above `best`.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm, rankdata
from sklearn.cluster import KMeans

from gold_data.markets import USUAL, Markets
from verification.answers import Matrix
from verification.trades.features import EXITS, FEATURES, PERCENTS, Space, measure_features, straighten

BLOCK_BOOTSTRAP = "block_bootstrap"
JITTERED_BOOTSTRAP = "jittered_bootstrap"
GAUSSIAN_COPULA = "gaussian_copula"
SHUFFLED_MARGINALS = "shuffled_marginals"
UNIFORM_NOISE = "uniform_noise"
EXACT_COPIES = "exact_copies"
PROTOTYPE_COLLAPSE = "prototype_collapse"

JITTER = 0.05  # of each feature's standard deviation
PROTOTYPES = 3
PROTOTYPE_JITTER = 0.01  # of each feature's standard deviation
MOST_CLUSTERED = 5_000  # gold rows that k-means sees; three centres need no more
LEAST_SECONDS = 1.0  # a holding time that noise took below it is raised to it
LEAST_VOLATILITY = 1e-3  # percent; likewise
LEAST_PRICE = 1e-4  # of the entry price; a short that lost above 100% would leave at a price below 0
SWAPS = 40  # rounds of swapped exits; after about 10 a row's exits are anybody's
SHORT = FEATURES.index("is_short")

CORE = (
    "trade_id",
    "ticker",
    "trade_type",
    "session_date",
    "entry_time",
    "exit_time",
    "entry_price",
    "exit_price",
    *PERCENTS,
)

Places = NDArray[np.int64]


def build_references(train: pl.DataFrame, size: int, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Draw `size` trades from every reference generator, by name.

    Args:
        train: Trades that generators may see. Without any, every table is empty.
        size: Rows of each table.
        rng: Source of every draw.
    """
    gold = train.select(CORE)
    if gold.is_empty() or size == 0:
        empty = gold.clear()
        return dict.fromkeys(_list_names(), empty)
    values = measure_features(gold).select(FEATURES).to_numpy()
    drawn = rng.integers(0, len(gold), size)
    made = {
        BLOCK_BOOTSTRAP: gold[draw_sessions(gold["session_date"], size, rng)],
        JITTERED_BOOTSTRAP: assemble_trades(gold[drawn], jitter(values[drawn], JITTER * values.std(axis=0), rng)),
        GAUSSIAN_COPULA: assemble_trades(_draw(gold, size, rng), draw_copula(values, size, rng)),
        SHUFFLED_MARGINALS: assemble_trades(_draw(gold, size, rng), shuffle_columns(values, size, rng)),
        UNIFORM_NOISE: assemble_trades(_draw(gold, size, rng), draw_uniform(values, size, rng)),
        EXACT_COPIES: _draw(gold, size, rng),
        PROTOTYPE_COLLAPSE: assemble_trades(_draw(gold, size, rng), draw_prototypes(gold, size, rng)),
    }
    return {name: _name_trades(trades, name) for name, trades in made.items()}


def assemble_trades(base: pl.DataFrame, features: Matrix) -> pl.DataFrame:
    """Put trades together from features; session, ticker and entry price are the base row's, the rest follows.

    Volatility, holding time and prices are kept above 0 and times of day within the day; nothing else is mended. A
    time of day that a change of clocks skipped is the base row's own.

    Args:
        base: Trades, one per row of `features`.
        features: FEATURES in their own units.
    """
    made = pl.DataFrame(features, schema=list(FEATURES), orient="row")
    minute = pl.col("entry_minute").clip(0.0, 24 * 60 - 1 / 60)
    seconds = {"clock": minute * 60.0, "held": (pl.col("holding_minutes") * 60.0).clip(lower_bound=LEAST_SECONDS)}
    told = made.select(
        *PERCENTS[1:],
        pl.col("entry_volatility_percent").clip(lower_bound=LEAST_VOLATILITY),
        pl.when(pl.col("is_short") >= 0.5).then(pl.lit("short")).otherwise(pl.lit("buy")).alias("trade_type"),
        *(pl.duration(microseconds=value.round() * 1e6).alias(name) for name, value in seconds.items()),
    )
    day = (pl.col("session_date").cast(pl.Datetime("us")) + pl.col("clock")).dt
    zone = base.schema["entry_time"].time_zone  # type: ignore[attr-defined]
    entry = day.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    rows = pl.concat([base.drop(*PERCENTS, "trade_type"), told], how="horizontal")
    placed = rows.with_columns(entry.fill_null(pl.col("entry_time")).alias("entry_time"))
    return place_exits(placed).select(base.columns)


def place_exits(trades: pl.DataFrame) -> pl.DataFrame:
    """Work out `exit_time` from `held`, a duration, and `exit_price` from the percent from entry to exit."""
    side = pl.when(pl.col("trade_type") == "short").then(-1.0).otherwise(1.0)
    ratio = (1.0 + side * pl.col("trade_percent_change") / 100.0).clip(lower_bound=LEAST_PRICE)
    return trades.with_columns(
        (pl.col("entry_time") + pl.col("held")).alias("exit_time"), (pl.col("entry_price") * ratio).alias("exit_price")
    )


def draw_sessions(sessions: pl.Series, size: int, rng: np.random.Generator) -> Places:
    """Draw whole sessions with putting back, and return the places of their rows; the last session is cut at `size`."""
    days = sessions.rank("dense").to_numpy().astype(np.int64) - 1
    order, counts = np.argsort(days, kind="stable"), np.bincount(days)
    first = np.cumsum(counts) - counts
    drawn = rng.integers(0, len(counts), size)
    drawn = drawn[: int(np.searchsorted(np.cumsum(counts[drawn]), size)) + 1]
    lengths = counts[drawn]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.asarray(order[np.repeat(first[drawn], lengths) + within][:size])


def jitter(values: Matrix, scale: Matrix, rng: np.random.Generator) -> Matrix:
    """Add normal noise of one standard deviation per feature; a trade's direction stays."""
    noise = rng.standard_normal(values.shape) * scale
    noise[:, SHORT] = 0.0
    return values + noise


def draw_copula(values: Matrix, size: int, rng: np.random.Generator) -> Matrix:
    """Draw from the Gaussian copula: normal scores correlated like the rows' ranks, each marginal by its quantiles.

    Features that do not vary stay what they are. The direction is the nearer of buy and short.
    """
    scores = norm.ppf(rankdata(values, axis=0) / (len(values) + 1))
    spread = scores.std(axis=0)
    unit = (scores - scores.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    correlation = unit.T @ unit / len(values)
    np.fill_diagonal(correlation, 1.0)
    weights, axes = np.linalg.eigh(correlation)
    roots = axes * np.sqrt(np.clip(weights, 0.0, None))
    chances = norm.cdf(rng.standard_normal((size, len(weights))) @ roots.T)
    drawn = np.column_stack([np.quantile(values[:, column], chances[:, column]) for column in range(len(weights))])
    drawn[:, SHORT] = np.quantile(values[:, SHORT], chances[:, SHORT], method="inverted_cdf")
    return drawn


def shuffle_columns(values: Matrix, size: int, rng: np.random.Generator) -> Matrix:
    """Permute every feature on its own; each value is used as often as any other, or once more."""
    rounds = -(-size // len(values))
    places = rng.random((values.shape[1], rounds, len(values))).argsort(axis=2).reshape(values.shape[1], -1)[:, :size]
    return np.take_along_axis(values, places.T, axis=0)


def draw_uniform(values: Matrix, size: int, rng: np.random.Generator) -> Matrix:
    """Draw every feature evenly between its least and its greatest value."""
    return rng.uniform(values.min(axis=0), values.max(axis=0), (size, values.shape[1]))


def draw_prototypes(gold: pl.DataFrame, size: int, rng: np.random.Generator) -> Matrix:
    """Draw trades that are one of a few prototypes, centres of k-means in the gold's Space, all but unmoved."""
    space = Space.fit(gold)
    points = (straighten(measure_features(gold)) - space.centre) / space.spread
    seen = points[rng.permutation(len(points))[:MOST_CLUSTERED]]
    clusters = min(PROTOTYPES, len(np.unique(seen, axis=0)))
    means = KMeans(clusters, n_init=1, random_state=int(rng.integers(2**31))).fit(seen).cluster_centers_
    drawn = jitter(means[rng.integers(0, clusters, size)], PROTOTYPE_JITTER * points.std(axis=0), rng)
    values = drawn * space.spread + space.centre
    for name in ("entry_volatility_percent", "holding_minutes"):
        values[:, FEATURES.index(name)] = np.exp(values[:, FEATURES.index(name)])
    return values


def copy_half(fresh: pl.DataFrame, train: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Replace a half of the trades by exact gold trades; their ids, order and columns stay."""
    copied = rng.permutation(len(fresh))[: len(fresh) // 2 if len(train) else 0]
    names = [name for name in CORE if name != "trade_id"]
    places = np.arange(len(fresh))
    places[copied] = len(fresh) + rng.integers(0, max(len(train), 1), len(copied))
    both = pl.concat([fresh.select(names), train.select(names)])
    return fresh.with_columns(both[places].get_columns())


def spoil_some(fresh: pl.DataFrame, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Make a share of the trades impossible, a quarter of them in each of four ways.

    The exit lies beyond the best price, the worst is above the best, the exit is before the entry, or the percent
    from entry to exit has the sign opposite to what the prices say.
    """
    count = round(share * len(fresh))
    ways = np.full(len(fresh), -1)
    ways[rng.permutation(len(fresh))[:count]] = np.arange(count) % 4
    way, change = pl.lit(pl.Series(ways)), pl.col("trade_percent_change")
    beyond = pl.col("best_exit_percent") + 0.5
    contrary = pl.when(change > 0.0).then(-change - 0.5).otherwise(0.5 - change)
    held = pl.col("exit_time") - pl.col("entry_time")
    moved = place_exits(fresh.with_columns(beyond.alias("trade_percent_change"), held.alias("held")))
    return fresh.with_columns(
        pl.when(way == 0).then(beyond).when(way == 3).then(contrary).otherwise(change).alias("trade_percent_change"),
        pl.when(way == 0).then(moved["exit_price"]).otherwise(pl.col("exit_price")).alias("exit_price"),
        pl.when(way == 1).then(beyond).otherwise(pl.col("worst_exit_percent")).alias("worst_exit_percent"),
        pl.when(way == 2)
        .then(pl.col("entry_time") - pl.duration(minutes=1))
        .otherwise(pl.col("exit_time"))
        .alias("exit_time"),
    )


def ignore_volatility(fresh: pl.DataFrame, rng: np.random.Generator, markets: Markets = USUAL) -> pl.DataFrame:
    """Move the exits between trades at random, so that they no longer depend on volatility, hour or direction.

    The exits of a trade (EXITS) stay together, and so does their joint law. Pairs of trades swap them in many rounds
    where both then still leave by the close: of all assignments that obey the hours each is as likely. Trades held
    over a night keep theirs.
    """
    if fresh.is_empty():
        return fresh
    held = (fresh["exit_time"] - fresh["entry_time"]).dt.total_microseconds().to_numpy()
    room = np.maximum(held, measure_room(fresh, markets))
    is_free = (fresh["exit_time"].dt.date() == fresh["entry_time"].dt.date()).to_numpy()
    free, source = np.flatnonzero(is_free), np.arange(len(fresh))
    for _ in range(SWAPS):
        left, right = rng.permutation(free)[: len(free) // 2 * 2].reshape(2, -1)
        fits = (held[source[right]] <= room[left]) & (held[source[left]] <= room[right])
        left, right = left[fits], right[fits]
        source[left], source[right] = source[right], source[left]
    moved = fresh.with_columns((pl.col("exit_time") - pl.col("entry_time")).alias("held"))
    exits = moved.select("held", *(name for name in EXITS if name in fresh.columns))[source]
    return place_exits(moved.with_columns(exits.get_columns())).select(fresh.columns)


def measure_room(trades: pl.DataFrame, markets: Markets = USUAL) -> Places:
    """Measure microseconds from each entry to its session's close; to midnight where its market knows no session."""
    entry = pl.col("entry_time")
    midnight = entry.dt.truncate("1d").dt.offset_by("1d") - pl.duration(seconds=1)
    closes = (
        markets.list_sessions(trades)
        .get_column("closes")
        .dt.convert_time_zone(
            trades.schema["entry_time"].time_zone  # type: ignore[attr-defined]
        )
    )
    room = pl.coalesce(pl.lit(closes), midnight) - entry.dt.truncate("1s")
    return trades.select(room.dt.total_microseconds()).to_series().to_numpy()


def _draw(gold: pl.DataFrame, size: int, rng: np.random.Generator) -> pl.DataFrame:
    return gold[rng.integers(0, len(gold), size)]


def _name_trades(trades: pl.DataFrame, name: str) -> pl.DataFrame:
    ids = pl.Series("trade_id", np.arange(len(trades))).cast(pl.String)
    return trades.with_columns((f"{name}-" + ids).alias("trade_id"))


def _list_names() -> tuple[str, ...]:
    return (
        BLOCK_BOOTSTRAP,
        JITTERED_BOOTSTRAP,
        GAUSSIAN_COPULA,
        SHUFFLED_MARGINALS,
        UNIFORM_NOISE,
        EXACT_COPIES,
        PROTOTYPE_COLLAPSE,
    )
