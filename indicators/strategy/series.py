"""Every series by name: its formula, its unit and its parameters with their defaults and limits.

`UNITS` says what a unit may be compared with: only itself, or a constant strictly between its ends, or none at all. A
percent change is asked only of what cannot be 0 or less. `ordered` names the parameters of which each must be less than
the next.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import inf

from indicators.strategy import formulas
from indicators.strategy.prices import SMOOTHINGS, SOURCES, Values

Value = int | float | str | bool
MOST_BARS = 200  # the longest window; more would outlast the warm-up of a few sessions


@dataclass(frozen=True)
class Parameter:
    """One parameter: its default, and its choices or limits; whole numbers unless `whole` is false."""

    default: Value
    low: float = 1
    high: float = MOST_BARS
    choices: tuple[str, ...] = ()
    whole: bool = True


@dataclass(frozen=True)
class Unit:
    """What a series counts in: the ends that constants lie between (None: not compared with one), how people say it."""

    ends: tuple[float, float] | None
    meaning: str
    positive: bool = False


@dataclass(frozen=True)
class Kind:
    """One series: a function of prices and its parameters, what it counts in, the parameters that rise in order."""

    compute: Callable[..., Values]
    unit: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    ordered: tuple[str, ...] = ()

    @cached_property
    def defaults(self) -> dict[str, Value]:
        """Every parameter's value where a strategy names none."""
        return {name: each.default for name, each in self.parameters.items()}


UNITS = {
    "price": Unit((0, inf), "price, dollars", positive=True),
    "volume": Unit((0, inf), "volume, shares", positive=True),
    "scale": Unit((0, 100), "scale of 0 to 100", positive=True),
    "range": Unit((0, inf), "true range, dollars", positive=True),
    "mass": Unit((0, inf), "mass index", positive=True),
    "below zero": Unit((-100, 0), "scale of -100 to 0"),
    "both ways": Unit((-100, 100), "scale of -100 to 100"),
    "flow": Unit((-1, 1), "scale of -1 to 1"),
    "pattern": Unit((0, 1), "1 where the pattern is, else 0"),
    "difference": Unit((-inf, inf), "difference of prices, dollars"),
    "rate": Unit((-inf, inf), "rate of change, percent"),
    "channel": Unit((-inf, inf), "commodity channel index"),
    "triple": Unit((-inf, inf), "change of a log price, ten-thousandths"),
    "force": Unit((-inf, inf), "dollars x shares"),
    "ease": Unit((-inf, inf), "ease of movement"),
    "signed volume": Unit((-inf, inf), "difference of volumes, shares"),
    "running sum": Unit(None, "running sum that starts at the first bar"),
}


def _length(default: int, low: int = 2) -> Parameter:
    return Parameter(default, low)


SOURCE = Parameter("CLOSE", choices=SOURCES)
TYPICAL = Parameter("HLC3", choices=SOURCES)
OFFSET = Parameter(0, low=0, high=100)
EXPONENTIAL = Parameter("EMA", choices=SMOOTHINGS)
SIMPLE = Parameter("SMA", choices=SMOOTHINGS)
AVERAGE = {"source": SOURCE, "length": _length(9), "offset": OFFSET}
BAND = {
    "source": SOURCE,
    "length": _length(20),
    "ma_type": SIMPLE,
    "std_dev": Parameter(2, low=0.1, high=100, whole=False),
    "offset": OFFSET,
}
MIDDLE = {name: each for name, each in BAND.items() if name != "std_dev"}
KELTNER = {
    "source": SOURCE,
    "length": _length(20),
    "multiplier": Parameter(2, low=0.1, high=100, whole=False),
    "use_exp_ma": Parameter(True),
    "atr_length": _length(10),
}
CHANNEL = {"length": _length(20), "offset": OFFSET}
SURE_THING = {
    "source": SOURCE,
    **{f"roc_length_{number}": _length(bars, 1) for number, bars in enumerate((10, 15, 20, 30), 1)},
    **{f"sma_length_{number}": _length(bars, 1) for number, bars in enumerate((10, 10, 10, 15), 1)},
}
RATES = tuple(f"roc_length_{number}" for number in (1, 2, 3, 4))
FAST_SLOW = ("fast_length", "slow_length")
CONVERGENCE = {"source": SOURCE, "fast_length": _length(12), "slow_length": _length(26)}
DISPLACEMENT = Parameter(26, low=1, high=100)

_f = formulas

SERIES: dict[str, Kind] = {
    **{
        name.upper(): Kind(partial(_f.give_price, field=name), unit)
        for name, unit in {
            "open": "price",
            "high": "price",
            "low": "price",
            "close": "price",
            "volume": "volume",
        }.items()
    },
    "SMA": Kind(_f.compute_simple_average, "price", AVERAGE),
    "EMA": Kind(_f.compute_exponential_average, "price", AVERAGE),
    "BB_UPPER": Kind(partial(_f.compute_bollinger, side=1), "price", BAND),
    "BB_MIDDLE": Kind(partial(_f.compute_bollinger, side=0, std_dev=0), "price", MIDDLE),
    "BB_LOWER": Kind(partial(_f.compute_bollinger, side=-1), "price", BAND),
    "KC_UPPER": Kind(partial(_f.compute_keltner, side=1), "price", KELTNER),
    "KC_LOWER": Kind(partial(_f.compute_keltner, side=-1), "price", KELTNER),
    "DC_UPPER": Kind(partial(_f.compute_donchian, side=1), "price", CHANNEL),
    "DC_BASIS": Kind(partial(_f.compute_donchian, side=0), "price", CHANNEL),
    "DC_LOWER": Kind(partial(_f.compute_donchian, side=-1), "price", CHANNEL),
    "PRIOR_HIGH": Kind(partial(_f.compute_prior_extreme, side=1), "price", {"length": _length(20, 1)}),
    "PRIOR_LOW": Kind(partial(_f.compute_prior_extreme, side=-1), "price", {"length": _length(20, 1)}),
    "ICHIMOKU_CONVERSION": Kind(partial(_f.compute_donchian, side=0, offset=0), "price", {"length": _length(9)}),
    "ICHIMOKU_BASE": Kind(partial(_f.compute_donchian, side=0, offset=0), "price", {"length": _length(26)}),
    "ICHIMOKU_LEADING_SPAN_A": Kind(_f.compute_ichimoku_span_a, "price", {"displacement": DISPLACEMENT}),
    "ICHIMOKU_LEADING_SPAN_B": Kind(
        _f.compute_ichimoku_span_b, "price", {"length": _length(52), "displacement": DISPLACEMENT}
    ),
    "RSI": Kind(_f.compute_relative_strength, "scale", {"source": SOURCE, "length": _length(14)}),
    "MFI": Kind(_f.compute_money_flow, "scale", {"length": _length(14)}),
    "STOCH_PERCENT_K": Kind(_f.compute_stochastic, "scale", {"length": _length(14)}),
    "STOCH_PERCENT_D": Kind(
        _f.compute_slow_stochastic, "scale", {"length": _length(14), "smoothing_length": _length(3, 1)}
    ),
    "ADX": Kind(_f.compute_direction_index, "scale", {"smoothing_length": _length(14), "length": _length(14)}),
    "DI_PLUS": Kind(partial(_f.compute_directional, side=1), "scale", {"length": _length(14)}),
    "DI_MINUS": Kind(partial(_f.compute_directional, side=-1), "scale", {"length": _length(14)}),
    "AROON_UP": Kind(partial(_f.compute_aroon, side=1), "scale", {"length": _length(14)}),
    "AROON_DOWN": Kind(partial(_f.compute_aroon, side=-1), "scale", {"length": _length(14)}),
    "CHOP": Kind(_f.compute_choppiness, "scale", {"length": _length(14), "offset": OFFSET}),
    "UO": Kind(
        _f.compute_ultimate,
        "scale",
        {"fast_length": _length(7), "middle_length": _length(14), "slow_length": _length(28)},
        ordered=("fast_length", "middle_length", "slow_length"),
    ),
    "WILLR": Kind(_f.compute_williams, "below zero", {"source": SOURCE, "length": _length(14)}),
    "CMO": Kind(_f.compute_chande_momentum, "both ways", {"source": SOURCE, "length": _length(9)}),
    "CMF": Kind(_f.compute_chaikin_flow, "flow", {"length": _length(20)}),
    "HAMMER": Kind(_f.find_hammers, "pattern"),
    "ATR": Kind(
        _f.compute_average_true_range,
        "range",
        {"length": _length(14), "smoothing_type": Parameter("RMA", choices=SMOOTHINGS)},
    ),
    "MACD": Kind(_f.compute_convergence, "difference", {**CONVERGENCE, "ma_type": EXPONENTIAL}, ordered=FAST_SLOW),
    "MACD_SIGNAL": Kind(
        _f.compute_convergence_signal,
        "difference",
        {
            **CONVERGENCE,
            "oscillator_ma_type": EXPONENTIAL,
            "signal_ma_type": EXPONENTIAL,
            "signal_length": _length(9, 1),
        },
        ordered=FAST_SLOW,
    ),
    "MOMENTUM": Kind(_f.compute_momentum, "difference", {"source": SOURCE, "length": _length(10, 1)}),
    "DPO": Kind(_f.compute_detrended, "difference", {"length": _length(14)}),
    "BBP": Kind(_f.compute_bull_bear, "difference", {"length": _length(13)}),
    "ROC": Kind(_f.compute_rate_of_change, "rate", {"source": SOURCE, "length": _length(9, 1)}),
    "COPPOCK": Kind(
        _f.compute_coppock,
        "rate",
        {"length": _length(10), "long_roc_length": _length(14), "short_roc_length": _length(11, 1)},
        ordered=("short_roc_length", "long_roc_length"),
    ),
    "KST": Kind(_f.compute_sure_thing, "rate", SURE_THING, ordered=RATES),
    "KST_SIGNAL": Kind(
        _f.compute_sure_thing_signal, "rate", {**SURE_THING, "signal_length": _length(9)}, ordered=RATES
    ),
    "CCI": Kind(_f.compute_commodity_channel, "channel", {"source": TYPICAL, "length": _length(20)}),
    "CCI_SMOOTHENED": Kind(
        _f.compute_smoothed_channel,
        "channel",
        {"source": TYPICAL, "length": _length(20), "smoothing_type": SIMPLE, "smoothing_length": _length(5)},
    ),
    "TRIX": Kind(_f.compute_triple_average, "triple", {"length": _length(18)}),
    "MASS_INDEX": Kind(_f.compute_mass, "mass", {"length": _length(10)}),
    "EFI": Kind(_f.compute_force, "force", {"length": _length(13)}),
    "EOM": Kind(
        _f.compute_ease,
        "ease",
        {"length": _length(14), "divisor": Parameter(10_000, low=1, high=1_000_000_000)},
    ),
    "CHAIKIN_OSC": Kind(
        _f.compute_chaikin_oscillator,
        "signed volume",
        {"fast_length": _length(3), "slow_length": _length(10)},
        ordered=FAST_SLOW,
    ),
    "VOLUME_SMA": Kind(_f.compute_average_volume, "volume", {"length": _length(20)}),
    "OBV": Kind(_f.compute_balance_volume, "running sum"),
    "PVI": Kind(_f.compute_positive_volume, "running sum"),
    "PVT": Kind(_f.compute_price_volume, "running sum"),
}
