"""Writes a strategy as a spec of the package `wickra-backtest`, for its engine and its live runner.

Only what that engine trades alike is written; the rest is refused, each with its reason. Its exponential and Wilder's
averages start with a mean of the first values instead of the first value, so that signals of a series' first few
hundred bars may differ. `docs/strategy.md` compares the two engines.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from indicators.strategy.canonical import canonicalize
from indicators.strategy.errors import Problem, StrategyError
from indicators.strategy.schema import DEFAULTS
from indicators.strategy.series import SERIES
from indicators.strategy.tree import SIDES, Document

Spec = dict[str, Any]
Given = Mapping[str, Any]
CLOSE = {"price": "close"}
NEVER = {"lt": [CLOSE, 0]}
PRICES = ("OPEN", "HIGH", "LOW", "CLOSE", "VOLUME")
COMPARISONS = {"greater": "gt", "less": "lt", "cross_over": "cross_above", "cross_under": "cross_below"}
SIZES = {
    "contracts": ("fixed_qty", "qty", 1),
    "usd": ("fixed_cash", "cash", 1),
    "percent": ("fixed_fraction", "fraction", 100),
}
MACD_SIGNAL_LENGTH = 9  # that the spec wants named even where only the line is read


@dataclass(frozen=True)
class Indicator:
    """An indicator of that engine: its type, its parameters from ours, and the `output` that is read.

    `fixed` are our parameters that it knows in one way only; its value is read `ago` bars back.
    """

    kind: str
    parameters: Callable[[Given], list[Any]]
    output: str = ""
    fixed: Given = field(default_factory=dict)
    ago: int = 0


def _lengths(*names: str) -> Callable[[Given], list[Any]]:
    return lambda given: [given[name] for name in names]


CLOSES = {"source": "CLOSE"}
BANDS = {**CLOSES, "ma_type": "SMA"}
CONVERGENCE = {**CLOSES, "ma_type": "EMA", "oscillator_ma_type": "EMA", "signal_ma_type": "EMA"}

INDICATORS: Mapping[str, Indicator] = {
    "SMA": Indicator("Sma", _lengths("length"), fixed=CLOSES),
    "EMA": Indicator("Ema", _lengths("length"), fixed=CLOSES),
    "RSI": Indicator("Rsi", _lengths("length"), fixed=CLOSES),
    "ATR": Indicator("Atr", _lengths("length"), fixed={"smoothing_type": "RMA"}),
    "BB_UPPER": Indicator("Bollinger", _lengths("length", "std_dev"), "upper", BANDS),
    "BB_MIDDLE": Indicator("Sma", _lengths("length"), fixed=BANDS),
    "BB_LOWER": Indicator("Bollinger", _lengths("length", "std_dev"), "lower", BANDS),
    "DC_UPPER": Indicator("Donchian", _lengths("length"), "upper"),
    "DC_BASIS": Indicator("Donchian", _lengths("length"), "middle"),
    "DC_LOWER": Indicator("Donchian", _lengths("length"), "lower"),
    "PRIOR_HIGH": Indicator("Donchian", _lengths("length"), "upper", ago=1),
    "PRIOR_LOW": Indicator("Donchian", _lengths("length"), "lower", ago=1),
    "ICHIMOKU_CONVERSION": Indicator("Donchian", _lengths("length"), "middle"),
    "ICHIMOKU_BASE": Indicator("Donchian", _lengths("length"), "middle"),
    "MACD": Indicator(
        "Macd",
        lambda given: [given["fast_length"], given["slow_length"], MACD_SIGNAL_LENGTH],
        "macd",
        CONVERGENCE,
    ),
    "MACD_SIGNAL": Indicator("Macd", _lengths("fast_length", "slow_length", "signal_length"), "signal", CONVERGENCE),
    "STOCH_PERCENT_K": Indicator("Stochastic", lambda given: [given["length"], 1], "k"),
    "STOCH_PERCENT_D": Indicator("Stochastic", _lengths("length", "smoothing_length"), "d"),
    "WILLR": Indicator("WilliamsR", _lengths("length"), fixed=CLOSES),
    "CCI": Indicator("Cci", _lengths("length"), fixed={"source": "HLC3"}),
    "MFI": Indicator("Mfi", _lengths("length")),
    "OBV": Indicator("Obv", _lengths()),
    "ROC": Indicator("Roc", _lengths("length"), fixed=CLOSES),
    "MOMENTUM": Indicator("Mom", _lengths("length"), fixed=CLOSES),
    "CMO": Indicator("Cmo", _lengths("length"), fixed=CLOSES),
    "DI_PLUS": Indicator("PlusDi", _lengths("length")),
    "DI_MINUS": Indicator("MinusDi", _lengths("length")),
    "AROON_UP": Indicator("Aroon", _lengths("length"), "up"),
    "AROON_DOWN": Indicator("Aroon", _lengths("length"), "down"),
    "UO": Indicator("UltimateOscillator", _lengths("fast_length", "middle_length", "slow_length")),
    "CHOP": Indicator("ChoppinessIndex", _lengths("length")),
    "CMF": Indicator("ChaikinMoneyFlow", _lengths("length")),
}


def write_wickra(document: Document) -> Spec:
    """Return the spec of a sound strategy; the capital is given to that engine beside it.

    Raises:
        StrategyError: Naming all that it has no words for, or trades otherwise.
    """
    return _Writer(canonicalize(document)).write()


class _Writer:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.indicators: dict[str, Spec] = {}
        self.problems: list[Problem] = []

    def write(self) -> Spec:
        document, position = self.document, self.document["position_type"]
        self._refuse_top(position)
        buy, sell = (
            self._write_condition(document[side], f"$.{side}", 0) if side in document else NEVER for side in SIDES
        )
        opening, closing = (buy, sell) if position == "LONG" else (sell, buy)
        opens = opening if closing is NEVER else {"all": [opening, {"not": closing}]}
        closes = self._add_time_stop(closing)
        keys = ("entry", "exit") if position == "LONG" else ("short_entry", "short_exit")
        spec = {
            "symbol": document["ticker"],
            "timeframe": document.get("interval", DEFAULTS["interval"]),
            "indicators": self.indicators,
            "entry": NEVER,
            "exit": NEVER,
            **dict(zip(keys, (opens, closes), strict=True)),
            "warmup": 0,
            **self._write_money(),
        }
        if self.problems:
            raise StrategyError(self.problems)
        return spec

    def _refuse(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, "unsayable", message))

    def _refuse_top(self, position: str) -> None:
        if position == "LONG_SHORT_COMBINED":
            self._refuse("$.position_type", "that engine cannot turn round at one open")
        if "trailing" in self.document:
            self._refuse("$.trailing", "that engine lets a bar's own high raise the stop before its low is looked at")
        for key in ("atr_stop", "session", "start_date", "end_date", "period"):
            if key in self.document:
                self._refuse(f"$.{key}", "the spec has no word for it")

    def _add_time_stop(self, closing: Spec) -> Spec:
        if "exit_after_bars" not in self.document:
            return closing
        held = {"bars_since_entry": {"ge": self.document["exit_after_bars"] - 1}}
        return {"any": [closing, held]}

    def _write_money(self) -> Spec:
        ((size, amount),) = self.document.get("order_size", DEFAULTS["order_size"]).items()
        ((fee, rate),) = self.document.get("trade_commissions", DEFAULTS["trade_commissions"]).items()
        risk = {
            name: self.document[key]["percent"]
            for name, key in (("stop_loss_pct", "stop_loss"), ("take_profit_pct", "take_profit"))
            if key in self.document
        }
        if fee == "usd" and rate:
            self._refuse("$.trade_commissions", "the spec knows commissions in percent only")
        if size == "risk_percent":
            sizing: Spec = {"type": "risk_per_trade", "risk_pct": amount}
        else:
            kind, name, divisor = SIZES[size]
            sizing = {"type": kind, name: amount / divisor}
        return {"sizing": sizing, "costs": {"taker_bps": 100 * rate if fee == "percent" else 0}, "risk": risk}

    def _write_condition(self, condition: Document, path: str, ago: int) -> Spec:
        ((kind, value),) = condition.items()
        here = f"{path}.{kind}"
        match kind:
            case "all" | "any":
                return {kind: [self._write_condition(each, f"{here}[{n}]", ago) for n, each in enumerate(value)]}
            case "after":
                return self._write_condition(value["condition"], f"{here}.condition", ago + value["bars"])
            case "fib":
                self._refuse(path, "that engine's retracements are others")
                return NEVER
            case "greater" | "less" | "cross_over" | "cross_under":
                pair = [self._write_operand(each, f"{here}[{n}]", ago) for n, each in enumerate(value)]
                return {COMPARISONS[kind]: pair}
        series = [
            self._write_operand(value["series"], f"{here}.series", ago + bars)
            for bars in range(value.get("bars", 1) + 1)
        ]
        if kind in ("up", "down"):
            compare = "ge" if kind == "up" else "le"
            return {"all": [{compare: [series[bars], series[bars + 1]]} for bars in range(value["bars"] - 1)]}
        limit = {"mul": [series[-1], 1 + value["percent"] / 100]}
        return {"all": [{"gt": [series[-1], 0]}, {"ge" if value["percent"] > 0 else "le": [series[0], limit]}]}

    def _write_operand(self, series: Any, path: str, ago: int) -> Any:
        if not isinstance(series, dict):
            return series
        ((name, given),) = series.items()
        if name in PRICES and "timeframe" not in given:
            return self._look_back({"price": name.lower()}, ago)
        parameters = SERIES[name].defaults | given
        indicator = INDICATORS.get(name)
        fits = indicator and all(
            parameters[key] == value for key, value in indicator.fixed.items() if key in parameters
        )
        if not indicator or not fits or "timeframe" in given:
            self._refuse(path, f"that engine has no {name} with these parameters")
            return 0
        built = {"type": indicator.kind, "params": indicator.parameters(parameters)}
        label = "_".join([indicator.kind.lower(), *(f"{each:g}".replace(".", "p") for each in built["params"])])
        self.indicators[label] = built
        operand = f"{label}.{indicator.output}" if indicator.output else label
        return self._look_back(operand, ago + indicator.ago + parameters.get("offset", 0))

    @staticmethod
    def _look_back(operand: Any, ago: int) -> Any:
        return {"prev": [operand, ago]} if ago else operand
