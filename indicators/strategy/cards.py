"""Cards: one short text per series and per condition, with its names, parameters, unit and one example.

`SERIES_NAMES` and `CONDITION_NAMES` are how people call them, the usual name first; everything else is made from the
grammar. `python -m indicators.strategy.cards` writes `columns/strategy/cards/`. Cards stay short: what a
search finds in a long page is the page's length.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from indicators.strategy.schema import GROUPS, PAIRS
from indicators.strategy.series import SERIES, UNITS, Parameter

FOLDER = Path(__file__).resolve().parents[2] / "columns/strategy/cards"

SERIES_NAMES: Mapping[str, tuple[str, ...]] = {
    "OPEN": ("opening price", "open price", "price at the open"),
    "HIGH": ("high price", "bar's high", "daily high"),
    "LOW": ("low price", "bar's low", "daily low"),
    "CLOSE": ("closing price", "close price", "price at the close"),
    "VOLUME": ("volume", "traded volume", "vol", "shares traded"),
    "SMA": ("simple moving average", "sma", "moving average", "simple average"),
    "EMA": ("exponential moving average", "ema", "exponential average"),
    "BB_UPPER": ("upper Bollinger band", "bollinger bands upper band", "bb upper", "upper bb"),
    "BB_MIDDLE": ("middle Bollinger band", "bollinger bands middle band", "bb middle", "bollinger basis"),
    "BB_LOWER": ("lower Bollinger band", "bollinger bands lower band", "bb lower", "lower bb"),
    "KC_UPPER": ("upper Keltner channel", "keltner channel upper", "kc upper"),
    "KC_LOWER": ("lower Keltner channel", "keltner channel lower", "kc lower"),
    "DC_UPPER": ("upper Donchian channel", "donchian channel upper", "donchain channel upper", "dc upper"),
    "DC_BASIS": ("Donchian channel basis", "donchain channel basis", "dc basis", "middle donchian channel"),
    "DC_LOWER": ("lower Donchian channel", "donchian channel lower", "donchain channel lower", "dc lower"),
    "PRIOR_HIGH": ("prior high", "highest high before", "previous high", "highest high", "resistance"),
    "PRIOR_LOW": ("prior low", "lowest low before", "previous low", "lowest low", "support"),
    "ICHIMOKU_CONVERSION": ("Ichimoku conversion line", "tenkan-sen", "ichinoku conversion", "ichimoku conversion"),
    "ICHIMOKU_BASE": ("Ichimoku base line", "kijun-sen", "ichinoku base", "ichimoku base"),
    "ICHIMOKU_LEADING_SPAN_A": ("Ichimoku leading span A", "senkou span a", "ichinoku leading span a"),
    "ICHIMOKU_LEADING_SPAN_B": ("Ichimoku leading span B", "senkou span b", "ichinoku leading span b"),
    "RSI": ("RSI", "relative strength index"),
    "MFI": ("money flow index", "mfi"),
    "STOCH_PERCENT_K": ("stochastic percent K", "stochastic %k", "percent k", "stoch k", "fast stochastic"),
    "STOCH_PERCENT_D": ("stochastic percent D", "stochastic %d", "percent d", "stoch d", "slow stochastic"),
    "ADX": ("ADX", "average directional index"),
    "DI_PLUS": ("DI plus", "positive directional indicator", "di+", "plus di"),
    "DI_MINUS": ("DI minus", "negative directional indicator", "di-", "minus di"),
    "AROON_UP": ("Aroon up", "aron indicator up", "aroon indicator up"),
    "AROON_DOWN": ("Aroon down", "aron indicator down", "aroon indicator down"),
    "CHOP": ("choppiness index", "chop", "choppiness"),
    "UO": ("ultimate oscillator", "uo"),
    "WILLR": ("Williams %R", "williams percent r", "williams r", "willr", "williams"),
    "CMO": ("Chande momentum oscillator", "cmo"),
    "CMF": ("Chaikin money flow", "cmf"),
    "HAMMER": ("hammer candlestick pattern", "hammer pattern", "hammer candlestick", "hammer candle", "hammer"),
    "ATR": ("average true range", "atr"),
    "MACD": ("MACD line", "moving average convergence divergence", "macd"),
    "MACD_SIGNAL": ("MACD signal line", "moving average convergence divergence signal", "macd signal"),
    "MOMENTUM": ("momentum indicator", "momentum"),
    "DPO": ("detrended price oscillator", "dpo"),
    "BBP": ("bull-bear power", "bull bear power", "bear power", "bull power", "bbp"),
    "ROC": ("rate of change", "roc"),
    "COPPOCK": ("Coppock curve", "coppock"),
    "KST": ("know sure thing", "kst"),
    "KST_SIGNAL": ("know sure thing signal", "kst signal"),
    "CCI": ("commodity channel index", "cci"),
    "CCI_SMOOTHENED": ("smoothed CCI", "commodity channel index smoothened", "cci smoothened", "smoothened cci"),
    "TRIX": ("TRIX", "triple exponential average"),
    "MASS_INDEX": ("mass index",),
    "EFI": ("Elder force index", "efi", "force index"),
    "EOM": ("ease of movement", "eom"),
    "CHAIKIN_OSC": ("Chaikin oscillator", "chaikin osc"),
    "VOLUME_SMA": ("average volume", "volume average", "volume moving average", "mean volume", "volume sma"),
    "OBV": ("on-balance volume", "obv"),
    "PVI": ("positive volume index", "pvi"),
    "PVT": ("price volume trend", "pvt"),
}
LOOSE_NAMES: Mapping[str, tuple[str, ...]] = {  # said in many other senses too: they find a series, and invent none
    "OPEN": ("open", "opens"),
    "HIGH": ("high", "highs"),
    "LOW": ("low", "lows"),
    "CLOSE": ("close", "closes", "price", "closing"),
}
REFUSED = {
    "ICHIMOKU_LAGGING_SPAN": (
        ("Ichimoku lagging span", "chikou span", "ichinoku lagging span"),
        "It is the close of later bars, which nobody knows: no strategy has it.",
    )
}
CONDITION_NAMES: Mapping[str, tuple[str, ...]] = {
    "cross_over": ("crosses above", "crosses over", "breaks above", "surpasses"),
    "cross_under": ("crosses below", "crosses under", "breaks below", "drops through"),
    "greater": ("is above", "is greater than", "exceeds", "is over"),
    "less": ("is below", "is less than", "is under", "is lower than"),
    "up": ("has been rising for", "uptrend for", "positive trend for", "has risen for"),
    "down": ("has been falling for", "downtrend for", "negative trend for", "has fallen for"),
    "change": ("changes by percent over bars", "moves by percent over days", "varies by", "oscillates by"),
    "intra": ("changes by percent within one bar", "within an interval", "in one bar", "intraday move"),
    "after": ("bars ago", "days after", "it held that"),
    "fib": ("Fibonacci retracement", "fibonacci level", "fib level", "pulls back"),
    "all": ("and", "both", "all of"),
    "any": ("or", "either", "any of"),
}
MEANINGS = {
    **PAIRS,
    **GROUPS,
    "up": "of the last bars none after the first is below the one before it",
    "down": "of the last bars none after the first is above the one before it",
    "change": "changed by percent or more against so many bars ago; below 0 is a fall",
    "intra": "changed by percent or more against one bar ago; below 0 is a fall",
    "after": "the condition held so many bars ago",
    "fib": "the price came back to 23.6, 38.2, 50, 61.8 or 78.6 percent of the last swing up or down",
}
PAIR_EXAMPLE = [{"CLOSE": {}}, {"SMA": {"length": 50}}]
EXAMPLES = {
    **dict.fromkeys(PAIRS, PAIR_EXAMPLE),
    **{name: [{"greater": [{"RSI": {}}, 50]}, {"greater": PAIR_EXAMPLE}] for name in GROUPS},
    **{name: {"series": {"CLOSE": {}}, "bars": 3} for name in ("up", "down")},
    "change": {"series": {"CLOSE": {}}, "percent": -2, "bars": 5},
    "intra": {"series": {"VOLUME": {}}, "percent": 50},
    "after": {"condition": {"less": [{"RSI": {}}, 30]}, "bars": 2},
    "fib": {"trend": "up", "level": 61.8, "length": 30},
}


@cache
def build_cards() -> dict[str, str]:
    """Return the text of every card by the name of its series or condition, series first."""
    cards = {name: _write_series_card(name) for name in SERIES_NAMES}
    cards |= {name: _write_card(name, names, meaning, None) for name, (names, meaning) in REFUSED.items()}
    return cards | {
        name: _write_card(name, names, MEANINGS[name], {name: EXAMPLES[name]})
        for name, names in CONDITION_NAMES.items()
    }


def list_conditions() -> list[str]:
    """Return the names of the cards that are always shown: verbs vary too much to be searched for."""
    return list(CONDITION_NAMES)


def _write_series_card(name: str) -> str:
    kind = SERIES[name]
    example = {name: {"length": 20} if "length" in kind.parameters else {}}
    parameters = "; ".join(f"{key} {_write_parameter(each)}" for key, each in kind.parameters.items())
    return _write_card(name, SERIES_NAMES[name], f"{UNITS[kind.unit].meaning}.", example, parameters)


def _write_parameter(parameter: Parameter) -> str:
    if parameter.choices:
        return f"{parameter.default} ({', '.join(parameter.choices)})"
    if isinstance(parameter.default, bool):
        return json.dumps(parameter.default)
    return f"{parameter.default} ({parameter.low:g} to {parameter.high:g})"


def _write_card(name: str, names: tuple[str, ...], meaning: str, example: object, parameters: str = "") -> str:
    lines = [f"{name}: {', '.join(names)}", f"Meaning: {meaning}"]
    lines += [f"Parameters, defaults first: {parameters}"] if parameters else []
    return "\n".join([*lines, *([f"Example: {json.dumps(example)}"] if example else [])]) + "\n"


def write_cards(folder: Path = FOLDER) -> None:
    """Write every card to a file of its own, named after its series or condition."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in build_cards().items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_cards()
