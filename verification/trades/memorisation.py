"""Asks whether synthetic trades are new, or gold trades that the generator remembered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from verification.answers import (
    CANNOT_TELL,
    COPIES,
    GOOD,
    LEAK,
    Answer,
    Interval,
    Matrix,
    Verdict,
    bound_share,
    say_percent,
    to_json,
)
from verification.settling import EITHER, say_lacks, say_least, say_settling
from verification.trades.digits import Matches, find_exact, match_digits
from verification.trades.pairs import PAIRS, list_pairs
from verification.trades.yardstick import Yardstick, draw_places, draw_rows

QUESTION, TITLE = "memorisation", "Are they new, or copies?"
NEAR_QUANTILE = 0.05  # of what real rows have: so near copies are at most 5% where nothing is remembered
NEAR_BAR = 0.10  # twice that: the quantiles are themselves known to within a few points only
SURE_BAR = 0.5  # above it no hold-out is needed: even three prototypes that all lie at train rows do not reach it
LEAST_TRAIN = 60  # rows: with fewer the 5% quantiles rest on the two or three nearest pairs
LEAST_HOLDOUT = 15  # rows: with fewer hardly any synthetic trade lies near one
LEAST_SESSIONS = 3  # of the train part: a row's own, its nearest row's, and one more
LEAST_SYNTHETIC = 20  # with fewer a share is known to within 20 points at best
MOST_ROWS = 20_000  # synthetic trades whose distances are measured; exact copies are sought among all
NEIGHBOURS = 16  # looked at to find one of another session; where all are of one the last stands in, which is nearer
REAL_NEIGHBOURS = 64  # the same for gold rows, whose own session is left out as well
RELABELLINGS = 1_000
BINS = 30

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
Number = tuple[str, str]


@dataclass(frozen=True)
class Nearest:
    """The closest train row of each of some rows: its distance, its place, and how alone it is.

    `ratio` is its distance over that of the closest train row of any other session, 1 where both are 0.
    """

    distance: Matrix
    place: Places
    ratio: Matrix


@dataclass(frozen=True)
class Real:
    """What gold alone says: train rows against train rows of other sessions, and held-out rows against train.

    A row is a near copy below both `distance` and `ratio`, the NEAR_QUANTILE of what train rows have.
    """

    nearest: Nearest
    distance: float
    ratio: float
    held: Nearest


@dataclass(frozen=True)
class Pull:
    """Share of trades that fall to train rather than to held-out rows, and what chance gives 95% of the time."""

    share: float
    chance: Interval

    @property
    def is_beyond_chance(self) -> bool:
        """Whether trades fall to train rows more often than chance explains."""
        return bool(self.share > self.chance.high)


def ask_memorisation(yardstick: Yardstick, synthetic: pl.DataFrame) -> Answer:
    """Ask whether synthetic trades are new, or copies.

    Copies, when a trade has all numbers of a train row, or when the lower bound of the share of near copies is above
    NEAR_BAR and near copies fall to train rows more often than to held-out rows, row for row and beyond chance; above
    SURE_BAR it is enough alone, for a hold-out of one or two sessions can prove nothing. A near copy is closer to a
    train row than 95% of train rows are to a row of another session, and far closer to it than to every other:
    closeness in proportion (nearest-neighbour distance ratio), which does not depend on how dense the gold is there.
    So a tight generator has many trades close to gold, but no more that are close to just one; and few prototypes that
    happen to lie at a train row cannot tell train from hold-out. New, when the upper bound of near copies is at most
    NEAR_BAR. Otherwise cannot tell, and so too where gold or synthetic trades are too few.
    """
    exact = find_exact(yardstick.train, synthetic)
    metrics: dict[str, Any] = {"rows": len(synthetic), "exact_copies": exact.height, "rows_used": 0}
    counted = ("exact copies of train rows", f"{exact.height} of {len(synthetic)}")
    held = ("held-out gold trades", f"{len(yardstick.holdout):,}")
    if leaked := find_leak(yardstick, synthetic, exact):
        return Answer(QUESTION, TITLE, LEAK, leaked[0], (leaked[1], counted, held), to_json(metrics))
    digits = match_digits(yardstick.train, synthetic, yardstick.gold)
    metrics |= {"digit_matches": digits.found.height, "digit_share": digits.share, "digit_chance": digits.chance}
    remembered = say_exact(exact, synthetic) if exact.height else ""
    if not remembered and digits.is_beyond_chance:
        remembered = say_digits(digits, synthetic)
        counted = ("trades with the digits of a train row", f"{digits.found.height} of {len(synthetic)}")
    if lack := find_lack(yardstick, synthetic):
        unknown = [("near copies of train rows", "unknown"), ("nearer to train than held-out rows are", "unknown")]
        metrics["exact_pairs"] = exact.head(PAIRS).rows()
        verdict, reason = (COPIES, remembered) if remembered else (CANNOT_TELL, lack)
        needs = "" if remembered else say_least(count_sides(yardstick, synthetic))
        return Answer(
            QUESTION, TITLE, verdict, reason, lead_with(remembered, counted, unknown), to_json(metrics), needs
        )
    real = yardstick.once("memorisation", lambda: measure_real(yardstick))
    rows = synthetic[np.sort(draw_places(len(synthetic), MOST_ROWS, yardstick.make_rng("memorisation rows")))]
    points = yardstick.space.place(rows)
    near = find_nearest(yardstick.train, yardstick.space.place(yardstick.train), points)
    share = estimate_share(is_near_copy(near, real), near.place)
    pulls = measure_pulls(yardstick, points, real)
    nearer = compare_distances(near, real.held, yardstick.holdout["session_date"])
    pull = pulls["near"]
    verdict, reason = judge(remembered, share, pull)
    needs = say_enough(share, len(rows), len(yardstick.train)) if verdict == CANNOT_TELL else ""
    metrics |= {
        "rows_used": len(rows),
        "near_copies": share,
        "near_copies_bar": NEAR_BAR,
        "near_copies_held_out": float(is_near_copy(real.held, real).mean()),
        "near_distance": real.distance,
        "near_ratio": real.ratio,
        "closer_than_near_distance": float((near.distance < real.distance).mean()),
        "nearer_than_held_out": nearer,
        "falls_to_train": pulls,
        "distances": measure_histograms(yardstick, points, real),
        "pairs": list_pairs(yardstick.train, rows, (near.distance, near.place, near.ratio), exact),
    }
    shares = say_shares(share, pull, nearer)
    return Answer(QUESTION, TITLE, verdict, reason, lead_with(remembered, counted, shares), to_json(metrics), needs)


def say_shares(share: Interval, pull: Pull, nearer: Interval) -> list[Number]:
    """Say how many are near copies, and to which part of the gold they fall, or how often train rows are the nearer."""
    chance = f"chance: up to {pull.chance.high:.0%}"
    return [
        ("near copies of train rows (real rows: 5% at most)", say_percent(share)),
        (f"near trades that fall to train, not held-out rows ({chance})", f"{pull.share:.1%}")
        if pull.is_beyond_chance
        else ("nearer to train than held-out rows are (chance: 50%)", say_percent(nearer)),
    ]


def find_leak(yardstick: Yardstick, synthetic: pl.DataFrame, exact: pl.DataFrame) -> tuple[str, Number] | None:
    """Find held-out rows among the trades: by all numbers, or by digits and surely more than chance makes.

    A row that stands in the train part as well is a copy of that, and no leak.
    """
    others = synthetic.join(exact.select("trade_id"), on="trade_id", how="anti")
    held = find_exact(yardstick.holdout, others)
    if not held.height:
        near = match_digits(yardstick.holdout, others, yardstick.gold)
        known = match_digits(yardstick.train, others, yardstick.gold)
        held = near.found if near.is_beyond_chance and near.found.height > known.found.height else held.clear()
    if not held.height:
        return None
    first = held.row(0, named=True)
    reason = (
        f"{held.height} of {len(synthetic)} trades are held-out gold, the first {first['trade_id']} is "
        f"{first['train_id']}. The set has seen what it is tested on: nothing that is measured below counts."
    )
    return reason, ("held-out rows among them", f"{held.height} of {len(synthetic)}")


def say_digits(digits: Matches, synthetic: pl.DataFrame) -> str:
    """Say how many trades are gold trades at other prices or times."""
    first = digits.found.row(0, named=True)
    return (
        f"{digits.found.height} of {len(synthetic)} trades have volatility, worst, best and result of a train trade to "
        f"the last digit ({say_percent(digits.share)}; by chance up to {digits.chance.high:.1%} of the gold has those "
        f"of another session), the first {first['trade_id']} those of {first['train_id']}."
    )


def lead_with(remembered: str, counted: Number, shares: Sequence[Number]) -> tuple[Number, ...]:
    """Put what decides first: exact copies where there are any, else the near ones."""
    return (counted, *shares) if remembered else (*shares, counted)


def judge(remembered: str, share: Interval, pull: Pull) -> tuple[Verdict, str]:
    """Give verdict and reason: what says that trades are gold ones, the share of near copies, and to what they fall."""
    if remembered:
        return COPIES, remembered
    found = f"{say_percent(share)} of the trades are near copies of a train trade; {NEAR_BAR:.0%} is the most allowed"
    fallen = f"{pull.share:.0%} of those near gold fall to the train part (chance: up to {pull.chance.high:.0%})"
    if share.low > NEAR_BAR and pull.is_beyond_chance:
        return COPIES, f"{found}. They follow what the generator saw, not the held-out trades: {fallen}."
    if share.low > SURE_BAR:
        return COPIES, f"{found}, and more than half of them cannot be chance."
    if share.high <= NEAR_BAR:
        return GOOD, f"No trade is an exact copy, and {found}."
    if share.low > NEAR_BAR:
        held = f": {fallen}" if pull.chance.is_known else ""
        return CANNOT_TELL, f"{found}, but the few held-out sessions do not show that they follow the train part{held}."
    pulled = f" {fallen}, which is suspicious." if pull.is_beyond_chance else ""
    return CANNOT_TELL, f"{found}: they may be on either side.{pulled}"


def say_enough(share: Interval, rows: int, train: int) -> str:
    """Say what would settle it: trades near one gold trade tell the same, so that more of them than it has help little.

    Where the share is surely above the bar it is held-out gold that lacks.
    """
    if share.low > NEAR_BAR:
        return "more held-out gold trades"
    return say_settling(min(rows, train), share, NEAR_BAR, "gold trades" if rows >= train else EITHER)


def find_lack(yardstick: Yardstick, synthetic: pl.DataFrame) -> str:
    """Say what is too little to compare distances by; nothing where there is enough."""
    lacks = say_lacks(count_sides(yardstick, synthetic))
    return f"No exact copy, but too little to find near ones: {lacks}." if lacks else ""


def count_sides(yardstick: Yardstick, synthetic: pl.DataFrame) -> list[tuple[str, int, int]]:
    """Count what distances need, and the least of it."""
    return [
        ("synthetic trades", len(synthetic), LEAST_SYNTHETIC),
        ("gold trades to train on", len(yardstick.train), LEAST_TRAIN),
        ("held-out gold trades", len(yardstick.holdout), LEAST_HOLDOUT),
        ("sessions of gold to train on", yardstick.train["session_date"].n_unique(), LEAST_SESSIONS),
    ]


def measure_real(yardstick: Yardstick) -> Real:
    """Measure how close real rows are to the train part: train rows of other sessions, and held-out rows."""
    points = yardstick.space.place(yardstick.train)
    own = yardstick.train["session_date"]
    nearest = find_nearest(yardstick.train, points, points, own)
    held = find_nearest(yardstick.train, points, yardstick.space.place(yardstick.holdout))
    limits = [float(np.quantile(values, NEAR_QUANTILE)) for values in (nearest.distance, nearest.ratio)]
    return Real(nearest, limits[0], limits[1], held)


def find_nearest(train: pl.DataFrame, placed: Matrix, points: Matrix, own: pl.Series | None = None) -> Nearest:
    """Find the closest train row of each point, and how much farther the closest of any other session is.

    Args:
        train: The rows that are looked among, of at least LEAST_SESSIONS sessions.
        placed: Their points.
        points: Whose neighbours are sought.
        own: Session of each point, whose rows are left out; none are where it is None.
    """
    days = train["session_date"].to_physical().to_numpy()
    count = min(NEIGHBOURS if own is None else REAL_NEIGHBOURS, len(placed))
    distances, places = cKDTree(placed).query(points, k=np.arange(1, count + 1))
    sessions, rows = days[places], np.arange(len(points))
    is_open = np.full(sessions.shape, True) if own is None else sessions != own.to_physical().to_numpy()[:, None]
    first = _find_first(is_open)
    second = _find_first(is_open & (sessions != sessions[rows, first][:, None]))
    near, far = distances[rows, first], distances[rows, second]
    ratio = np.divide(near, far, out=np.ones(len(points)), where=far > 0.0)
    return Nearest(near, places[rows, first], ratio)


def _find_first(is_wanted: Mask) -> Places:
    """Return the first wanted column of each row, the last column where none is."""
    return np.asarray(np.where(is_wanted.any(axis=1), is_wanted.argmax(axis=1), is_wanted.shape[1] - 1))


def is_near_copy(nearest: Nearest, real: Real) -> Mask:
    """Tell which rows are closer to one train row, and to it alone, than real rows are."""
    return np.asarray((nearest.distance < real.distance) & (nearest.ratio < real.ratio))


def estimate_share(is_found: Mask, cluster: Places) -> Interval:
    """Estimate a share where rows of a cluster are alike: Wilson's interval, for as many rows as are independent.

    That number is what the variance between clusters (linearised ratio of totals) leaves of the rows; where it cannot
    be told, every row being found or none, it is the number of clusters.
    """
    _, labels = np.unique(cluster, return_inverse=True)
    totals, hits = np.bincount(labels), np.bincount(labels, weights=is_found)
    share, clusters = float(np.mean(is_found)), len(totals)
    variance = float(np.sum((hits - share * totals) ** 2)) / len(is_found) ** 2 * clusters / max(clusters - 1, 1)
    independent = min(share * (1.0 - share) / variance, len(is_found)) if variance > 0.0 else float(clusters)
    return bound_share(share, independent)


def measure_pulls(yardstick: Yardstick, points: Matrix, real: Real) -> Mapping[str, Pull]:
    """Measure to which gold rows trades fall, `all` of them and those `near`, within the near distance.

    Each trade falls to its closest gold row. The share is trades per train row over that plus trades per held-out row:
    0.5 where nothing is remembered, whatever the sizes of the parts, so none needs to be cut down to the other.
    Chance is the same share when sessions are dealt out to train and hold-out anew.
    """
    gold, is_held = yardstick.gold, np.arange(len(yardstick.gold)) >= len(yardstick.train)
    distances, places = cKDTree(yardstick.space.place(gold)).query(points)
    _, days = np.unique(gold["session_date"].to_physical().to_numpy() * 2 + is_held, return_inverse=True)
    rows, held = np.bincount(days), np.bincount(days, weights=is_held) > 0
    rng = yardstick.make_rng("memorisation relabel")
    dealt = rng.permuted(np.tile(held, (RELABELLINGS, 1)), axis=1)
    pulls = {}
    for name, is_in in (("all", np.full(len(points), True)), ("near", distances < real.distance)):
        fallen = np.bincount(days[places[is_in]], minlength=len(rows)).astype(np.float64)
        share = float(weigh_train(fallen, rows, held[None, :])[0])
        chances = weigh_train(fallen, rows, dealt)
        ends = np.quantile(chances, (0.5, 0.025, 0.975)) if fallen.sum() else np.full(3, np.nan)
        pulls[name] = Pull(share, Interval(*(float(end) for end in ends)))
    return pulls


def weigh_train(fallen: Matrix, rows: Places, is_held: Mask) -> Matrix:
    """Weigh trades per train row against trades per held-out row, for each way to hold sessions out.

    Args:
        fallen: Trades that fall to each session.
        rows: Gold rows of each session.
        is_held: Whether a session is held out, shape (ways, sessions).
    """
    held, train = (
        np.divide(part @ fallen, part @ rows, out=np.zeros(len(part)), where=part @ rows > 0)
        for part in (is_held.astype(np.float64), (~is_held).astype(np.float64))
    )
    both = held + train
    return np.asarray(np.divide(train, both, out=np.full(len(both), np.nan), where=both > 0.0))


def compare_distances(near: Nearest, held: Nearest, sessions: pl.Series) -> Interval:
    """Estimate how often a synthetic trade is nearer to the train part than a held-out one is; ties count a half.

    0.5 where both are alike (Mann and Whitney's U as a share). A generator tighter than the gold is above it too, so
    it does not decide. The interval is over held-out sessions and over synthetic trades by their closest train row.
    """
    ordered = np.sort(near.distance)
    below, upto = (np.searchsorted(ordered, held.distance, side=side) for side in ("left", "right"))
    by_held = (below + upto) / (2.0 * len(ordered))
    ranked = np.sort(held.distance)
    below, upto = (np.searchsorted(ranked, near.distance, side=side) for side in ("left", "right"))
    by_near = 1.0 - (below + upto) / (2.0 * len(ranked))
    share = float(by_held.mean())
    days = sessions.to_physical().to_numpy()
    error = float(np.sqrt(measure_variance(by_held, days) + measure_variance(by_near, near.place)))
    return Interval(share, max(share - 1.96 * error, 0.0), min(share + 1.96 * error, 1.0))


def measure_variance(values: Matrix, cluster: Places) -> float:
    """Measure the variance of a mean whose values are alike within clusters; NaN for fewer than two clusters."""
    _, labels = np.unique(cluster, return_inverse=True)
    apart = np.bincount(labels, weights=values - values.mean())
    if len(apart) < 2:
        return float("nan")
    return float(np.sum(apart**2)) / len(values) ** 2 * len(apart) / (len(apart) - 1)


def measure_histograms(yardstick: Yardstick, points: Matrix, real: Real) -> dict[str, Any]:
    """Count distances in common bins: to train and to hold-out rows, equally many of either, and of real rows.

    `to_all_train` and `real` are to the whole train part, and `held_out` what held-out rows have there.
    """
    train, holdout = yardstick.space.place(yardstick.train), yardstick.space.place(yardstick.holdout)
    size = min(len(train), len(holdout))
    rng = yardstick.make_rng("memorisation histograms")
    found = {
        "to_train": cKDTree(draw_rows(train, size, rng)).query(points)[0],
        "to_holdout": cKDTree(draw_rows(holdout, size, rng)).query(points)[0],
        "to_all_train": cKDTree(train).query(points)[0],
        "real": real.nearest.distance,
        "held_out": real.held.distance,
    }
    top = max(float(np.quantile(values, 0.99)) for values in found.values())
    edges = np.linspace(0.0, top if top > 0.0 else 1.0, BINS + 1)
    counts = {name: np.histogram(np.minimum(values, edges[-1]), edges)[0] for name, values in found.items()}
    medians = {name: float(np.median(values)) for name, values in found.items()}
    return {"edges": edges, "equal_rows": size, "counts": counts, "medians": medians}


def say_exact(exact: pl.DataFrame, synthetic: pl.DataFrame) -> str:
    """Say how many trades are exact copies, with the first of them."""
    first = exact.row(0, named=True)
    return (
        f"{exact.height} of {len(synthetic)} trades have all numbers of a train trade, the first {first['trade_id']} "
        f"those of {first['train_id']}; none may."
    )
