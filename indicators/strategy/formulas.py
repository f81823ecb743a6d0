"""The formula of every series that a strategy may speak of: prices in, one value a bar out, NaN where there is none.

Definitions and parameter names are those of the package `trading-strategy-tester` (reference 004), whose text form can
so be read and written without a change of meaning. Left out is its lagging span, which knows the future, and added are
the highest and lowest price before the bar and an average volume. A value at a bar needs that bar and earlier ones.
"""

import numpy as np

from indicators.strategy.prices import (
    Prices,
    Values,
    add_up,
    average,
    find_highest,
    find_lowest,
    find_true_range,
    measure_deviation,
    roll,
    shift,
    smooth,
    smooth_span,
    smooth_wilder,
    weigh,
)

MASS_SPAN = 9  # bars that the mass index smooths its ranges over, twice


def give_price(prices: Prices, field: str) -> Values:
    """Return one of the bar's own values."""
    values: Values = getattr(prices, field)
    return values


def compute_simple_average(prices: Prices, source: str, length: int, offset: int) -> Values:
    """Mean of the last `length` prices, `offset` bars ago."""
    return shift(average(prices.take_source(source), length), offset)


def compute_exponential_average(prices: Prices, source: str, length: int, offset: int) -> Values:
    """Exponential average of the price, alpha = 2 / (length + 1), `offset` bars ago."""
    return shift(smooth_span(prices.take_source(source), length), offset)


def compute_average_volume(prices: Prices, length: int) -> Values:
    """Mean volume of the last `length` bars."""
    return average(prices.volume, length)


def compute_bollinger(
    prices: Prices, *, side: int, source: str, length: int, ma_type: str, std_dev: float, offset: int
) -> Values:
    """Average of the price plus `side` x `std_dev` population standard deviations, `offset` bars ago."""
    values = prices.take_source(source)
    middle = smooth(values, length, ma_type)
    return shift(middle + side * std_dev * measure_deviation(values, length) if side else middle, offset)


def compute_keltner(
    prices: Prices, *, side: int, source: str, length: int, multiplier: float, use_exp_ma: bool, atr_length: int
) -> Values:
    """Average of the price plus `side` x `multiplier` average true ranges."""
    basis = (smooth_span if use_exp_ma else average)(prices.take_source(source), length)
    return basis + side * (multiplier * smooth_wilder(find_true_range(prices), atr_length))


def compute_donchian(prices: Prices, side: int, length: int, offset: int) -> Values:
    """Highest high (side 1), lowest low (-1) of the last `length` bars, or their middle (0), `offset` bars ago."""
    upper, lower = find_highest(prices.high, length), find_lowest(prices.low, length)
    return shift({1: upper, -1: lower, 0: (upper + lower) / 2}[side], offset)


def compute_prior_extreme(prices: Prices, side: int, length: int) -> Values:
    """Highest high (side 1) or lowest low (-1) of the `length` bars before this one."""
    return compute_donchian(prices, side, length, 1)


def compute_ichimoku_span_a(prices: Prices, displacement: int) -> Values:
    """Mean of conversion (9) and base line (26), `displacement - 1` bars ago."""
    lines = [compute_donchian(prices, 0, length, 0) for length in (9, 26)]
    return shift((lines[0] + lines[1]) / 2, displacement - 1)


def compute_ichimoku_span_b(prices: Prices, length: int, displacement: int) -> Values:
    """Middle of the last `length` bars' range, `displacement - 1` bars ago."""
    return shift(compute_donchian(prices, 0, length, 0), displacement - 1)


def compute_average_true_range(prices: Prices, length: int, smoothing_type: str) -> Values:
    """Average of the true ranges, dollars."""
    return smooth(find_true_range(prices), length, smoothing_type)


def compute_directional(prices: Prices, side: int, length: int) -> Values:
    """100 x Wilder's average of the rise of the high (side 1) or fall of the low (-1), over that of the true range."""
    rise, fall = prices.high - shift(prices.high, 1), shift(prices.low, 1) - prices.low
    own, other = (rise, fall) if side > 0 else (fall, rise)
    moves = np.where((own > other) & (own > 0), own, 0.0)
    return 100 * (smooth_wilder(moves, length) / smooth_wilder(find_true_range(prices), length))


def compute_direction_index(prices: Prices, smoothing_length: int, length: int) -> Values:
    """Wilder's average of 100 x |plus - minus| / (plus + minus)."""
    plus, minus = (compute_directional(prices, side, length) for side in (1, -1))
    return smooth_wilder(100 * (np.abs(plus - minus) / (plus + minus)), smoothing_length)


def compute_aroon(prices: Prices, side: int, length: int) -> Values:
    """100 x (length - bars since the highest high (side 1) or lowest low (-1)) / length, over `length` + 1 bars."""
    values = prices.high if side > 0 else -prices.low
    ages = roll(values, length + 1, lambda windows: windows[:, ::-1].argmax(axis=1).astype(np.float64))
    return 100 * (length - ages) / length


def compute_relative_strength(prices: Prices, source: str, length: int) -> Values:
    """100 - 100 / (1 + Wilder's average gain / loss); 100 without a loss."""
    values = prices.take_source(source)
    change = np.nan_to_num(values - shift(values, 1))
    gain, loss = (smooth_wilder(np.clip(side * change, 0.0, None), length) for side in (1, -1))
    return 100 - 100 / (1 + gain / loss)


def compute_money_flow(prices: Prices, length: int) -> Values:
    """100 - 100 / (1 + inflow / outflow), sums of typical price x volume where the typical price rose (fell)."""
    typical = prices.take_source("HLC3")
    before, flow = shift(typical, 1), typical * prices.volume
    rose, fell = (add_up(np.where(moved, flow, 0.0), length) for moved in (typical > before, typical < before))
    return 100 - 100 / (1 + rose / fell)


def compute_stochastic(prices: Prices, length: int) -> Values:
    """100 x (close - lowest low) / (highest high - lowest low)."""
    lowest = find_lowest(prices.low, length)
    return (prices.close - lowest) / (find_highest(prices.high, length) - lowest) * 100


def compute_slow_stochastic(prices: Prices, length: int, smoothing_length: int) -> Values:
    """Mean of the last `smoothing_length` stochastic values."""
    return average(compute_stochastic(prices, length), smoothing_length)


def compute_williams(prices: Prices, source: str, length: int) -> Values:
    """100 x (price - highest high) / (highest high - lowest low): -100 to 0."""
    highest = find_highest(prices.high, length)
    return 100 * (prices.take_source(source) - highest) / (highest - find_lowest(prices.low, length))


def compute_ultimate(prices: Prices, fast_length: int, middle_length: int, slow_length: int) -> Values:
    """100 x (4 fast + 2 middle + slow) / 7, each the share of buying pressure in the true range."""
    before = shift(prices.close, 1)
    high, low = np.maximum(before, prices.high), np.minimum(before, prices.low)
    shares = [
        add_up(prices.close - low, length) / add_up(high - low, length)
        for length in (fast_length, middle_length, slow_length)
    ]
    return 100 * (4 * shares[0] + 2 * shares[1] + shares[2]) / 7


def compute_choppiness(prices: Prices, length: int, offset: int) -> Values:
    """100 x log10(sum of true ranges / range of the window) / log10(length), `offset` bars ago."""
    span = find_highest(prices.high, length) - find_lowest(prices.low, length)
    return shift(100 * np.log10(add_up(find_true_range(prices), length) / span) / np.log10(length), offset)


def compute_chande_momentum(prices: Prices, source: str, length: int) -> Values:
    """100 x (gains - losses) / (gains + losses): -100 to 100."""
    values = prices.take_source(source)
    change = np.nan_to_num(values - shift(values, 1))
    gains, losses = (add_up(np.clip(side * change, 0.0, None), length) for side in (1, -1))
    return 100 * (gains - losses) / (gains + losses)


def compute_rate(values: Values, length: int) -> Values:
    """Change over `length` bars, percent."""
    before = shift(values, length)
    return (values - before) / before * 100


def compute_rate_of_change(prices: Prices, source: str, length: int) -> Values:
    """Change of the price over `length` bars, percent."""
    return compute_rate(prices.take_source(source), length)


def compute_momentum(prices: Prices, source: str, length: int) -> Values:
    """Change of the price over `length` bars, dollars."""
    values = prices.take_source(source)
    return values - shift(values, length)


def compute_convergence(prices: Prices, source: str, fast_length: int, slow_length: int, ma_type: str) -> Values:
    """Fast less slow average of the price, dollars."""
    values = prices.take_source(source)
    return smooth(values, fast_length, ma_type) - smooth(values, slow_length, ma_type)


def compute_convergence_signal(
    prices: Prices,
    *,
    source: str,
    fast_length: int,
    slow_length: int,
    oscillator_ma_type: str,
    signal_ma_type: str,
    signal_length: int,
) -> Values:
    """Average of fast less slow average of the price, dollars."""
    line = compute_convergence(prices, source, fast_length, slow_length, oscillator_ma_type)
    return smooth(line, signal_length, signal_ma_type)


def compute_detrended(prices: Prices, length: int) -> Values:
    """Close less its mean `length // 2 + 1` bars ago, dollars."""
    return prices.close - shift(average(prices.close, length), length // 2 + 1)


def compute_bull_bear(prices: Prices, length: int) -> Values:
    """High plus low less twice the exponential average of the close, dollars."""
    middle = smooth_span(prices.close, length)
    return (prices.high - middle) + (prices.low - middle)


def compute_commodity_channel(prices: Prices, source: str, length: int) -> Values:
    """(price - its mean) / (0.015 x mean absolute deviation from that mean)."""
    values = prices.take_source(source)
    deviation = roll(
        values,
        length,
        lambda windows: np.abs(windows - windows.mean(axis=1, keepdims=True)).mean(axis=1),
    )
    return (values - average(values, length)) / (0.015 * deviation)


def compute_smoothed_channel(
    prices: Prices, source: str, length: int, smoothing_type: str, smoothing_length: int
) -> Values:
    """Average of the commodity channel index."""
    return smooth(compute_commodity_channel(prices, source, length), smoothing_length, smoothing_type)


def compute_coppock(prices: Prices, length: int, long_roc_length: int, short_roc_length: int) -> Values:
    """Weighted mean of two rates of change, percent."""
    rates = [compute_rate(prices.close, bars) for bars in (long_roc_length, short_roc_length)]
    return weigh(rates[0] + rates[1], length)


def compute_sure_thing(prices: Prices, source: str, **lengths: int) -> Values:
    """1, 2, 3, 4 x the means of four rates of change, percent."""
    values = prices.take_source(source)
    parts = [
        number * average(compute_rate(values, lengths[f"roc_length_{number}"]), lengths[f"sma_length_{number}"])
        for number in (1, 2, 3, 4)
    ]
    return parts[0] + parts[1] + parts[2] + parts[3]


def compute_sure_thing_signal(prices: Prices, source: str, signal_length: int, **lengths: int) -> Values:
    """Mean of the last `signal_length` values of the sum of rates."""
    return average(compute_sure_thing(prices, source, **lengths), signal_length)


def compute_triple_average(prices: Prices, length: int) -> Values:
    """10,000 x change of the log close smoothed three times."""
    values = np.log(prices.close)
    for _ in range(3):
        values = smooth_span(values, length)
    return 10_000 * (values - shift(values, 1))


def compute_mass(prices: Prices, length: int) -> Values:
    """Sum over `length` bars of the smoothed range over the range smoothed twice."""
    once = smooth_span(prices.high - prices.low, MASS_SPAN)
    return add_up(once / smooth_span(once, MASS_SPAN), length)


def compute_force(prices: Prices, length: int) -> Values:
    """Exponential average of change of the close x volume."""
    return smooth_span((prices.close - shift(prices.close, 1)) * prices.volume, length)


def compute_ease(prices: Prices, length: int, divisor: float) -> Values:
    """Mean of the middle's move x range / volume, times `divisor`."""
    middle = (prices.high + prices.low) / 2
    return average((middle - shift(middle, 1)) / (prices.volume / (prices.high - prices.low)), length) * divisor


def find_flow(prices: Prices) -> Values:
    """Return the volume weighted by where in its range a bar closes, -1 to 1; 0 where it has no range."""
    multiplier = ((prices.close - prices.low) - (prices.high - prices.close)) / (prices.high - prices.low)
    return np.where(np.isfinite(multiplier), multiplier, 0.0) * prices.volume


def compute_chaikin_flow(prices: Prices, length: int) -> Values:
    """Sum of the weighted volume over sum of the volume: -1 to 1."""
    return add_up(find_flow(prices), length) / add_up(prices.volume, length)


def compute_chaikin_oscillator(prices: Prices, fast_length: int, slow_length: int) -> Values:
    """Fast less slow exponential average of the running sum of the weighted volume, shares."""
    total = np.cumsum(find_flow(prices))
    return smooth_span(total, fast_length) - smooth_span(total, slow_length)


def compute_balance_volume(prices: Prices) -> Values:
    """Running sum of the volume, negative where the close falls, none where it stays."""
    return np.cumsum(np.nan_to_num(np.sign(prices.close - shift(prices.close, 1)) * prices.volume))


def compute_price_volume(prices: Prices) -> Values:
    """Running sum of change of the close (as a share) x volume."""
    return np.cumsum(np.nan_to_num(compute_rate(prices.close, 1) / 100 * prices.volume))


def compute_positive_volume(prices: Prices) -> Values:
    """Running sum of change of the close (as a share) x volume, over bars with more volume than the one before."""
    grew = np.where(prices.volume - shift(prices.volume, 1) > 0, prices.volume, 0.0)
    return np.cumsum(np.nan_to_num(compute_rate(prices.close, 1) / 100 * grew))


def find_hammers(prices: Prices) -> Values:
    """1 where a bar opens or closes at its high with a lower shadow of 1.8 bodies or more, else 0."""
    body = np.abs(prices.open - prices.close)
    shadow = np.abs(np.minimum(prices.close, prices.open) - prices.low)
    at_high = (prices.open == prices.high) | (prices.close == prices.high)
    found: Values = (at_high & (1.8 * body <= shadow)).astype(np.float64)
    return found
