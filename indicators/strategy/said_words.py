"""How people say the choices of a strategy: patterns by key and value, and words that speak of what is not there."""

import re
from datetime import date
from typing import Any

NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
            *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
        )
    )
}
_UNITS = {
    "m": r"m(?:in(?:ute)?s?)?",
    "h": r"h(?:ou)?r?s?|hourly",
    "d": r"d(?:ays?)?|daily",
    "wk": r"w(?:ee)?ks?|weekly",
    "mo": r"mo(?:nth)?s?|monthly",
    "y": r"y(?:ea)?rs?|y",
}
_ALONE = {"1h": "hourly", "1d": "daily", "1wk": "weekly", "1mo": "monthly", "3mo": "quarterly", "1y": "yearly"}
_PERIODS = {
    "ytd": r"ytd|year[- ]to[- ]date",
    "max": r"\bmax(?:imum)?\b|all (?:of )?(?:the |its )?(?:history|bars|data)",
}
_SOURCES = {
    "CLOSE": "clos",
    "OPEN": r"\bopen",
    "HIGH": r"\bhigh",
    "LOW": r"\blow",
    "HLC3": r"hlc3|typical",
    "HL2": r"hl2|median price|midpoint",
    "OHLC4": r"ohlc4|average price",
    "HLCC4": r"hlcc4|weighted close",
}
_AVERAGES = {
    "RMA": r"\brma\b|wilder",
    "SMA": r"\bsma\b|simple",
    "EMA": r"\bema\b|exponential",
    "WMA": r"\bwma\b|weighted",
}
_POSITIONS = {
    "LONG": r"\blong\b",
    "SHORT": r"\bshort",
    "LONG_SHORT_COMBINED": r"\blong\b.*\bshort|\bshort\b.*\blong\b"
    r"|both (?:ways|directions|sides)|turns? (?:a)?round|revers",
}
_WORDS = {
    "stop_loss": r"\bstop",
    "trailing": r"\btrail",
    "take_profit": r"take[- ]profit|\btarget|profit",
    "atr_stop": r"(?:\batr\b|true range).*stop|stop.*(?:\batr\b|true range)",
    "exit_after_bars": r"\bafter\b|\btime (?:stop|exit)|\bhold|\blater\b",
    "order_size": r"\bsiz|\border|\bbuy|\brisk|\btrade|\bper\b|\bposition|\beach\b",
    "order_size.contracts": r"contract|share|unit|lot",
    "order_size.usd": r"\$|usd|dollar",
    "order_size.percent": r"%|percent",
    "order_size.risk_percent": r"\brisk",
    "trade_commissions": r"commission|\bfee|\bcost",
    "trade_commissions.usd": r"\$|usd|dollar|cent",
    "trade_commissions.percent": r"%|percent",
    "initial_capital": r"capital|account|equity|\bstart|\$",
    "all": r"\band\b|\bboth\b|\ball\b|while|\bplus\b|together",
    "any": r"\bor\b|either|\bany\b",
    "up": r"\bris(?:e|es|en|ing)\b|\bup|higher|increas|\bgrow",
    "down": r"\bfall|\bdown|\blower|decreas|declin|dropp|\bfell",
    "after": r"\bago\b|\bafter\b|\bbefore\b|\bearlier\b|\blater\b",
    "fib": r"fib|retrac",
    "change": r"chang|mov|ris|fall|gain|los|drop|jump|climb|\bup\b|\bdown\b|%|percent",
    "intra": r"one bar|single bar|within (?:a|one)|in one|bar before|previous bar|one interval|bar[- ]over[- ]bar",
}
_LONG_ORDER = r"\b(?:{0}) (?:position|side|strategy|only|trades?)\b|\bgo(?:es|ing)? {0}\b"
INVENTIONS = {  # what is spoken of, the keys one of which must be there, and the words
    "a trailing stop": (("trailing",), re.compile(r"\btrail", re.IGNORECASE)),
    "a stop": (("stop_loss", "atr_stop", "trailing"), re.compile(r"\bstop[- ]?loss|\bstop (?:at|of)\b", re.IGNORECASE)),
    "a target": (("take_profit",), re.compile(r"take[- ]profit|profit target", re.IGNORECASE)),
    "commissions": (("trade_commissions",), re.compile(r"commission", re.IGNORECASE)),
    "a session": (("session",), re.compile(r"\b\d{1,2}:\d{2}\b")),
    "dates": (("start_date", "end_date"), re.compile(r"\b\d{4}-\d{2}-\d{2}\b")),
    "a short side": (("SHORT", "LONG_SHORT_COMBINED"), re.compile(_LONG_ORDER.format("short"), re.IGNORECASE)),
    "a long side": (("LONG", "LONG_SHORT_COMBINED"), re.compile(_LONG_ORDER.format("long"), re.IGNORECASE)),
}


def find_word(text: str, what: str) -> bool:
    """Tell whether a text has a word that speaks of an exit, a size, a cost or a kind of condition."""
    return re.search(_WORDS[what], text, re.IGNORECASE | re.DOTALL) is not None


def find_choice(text: str, key: str, value: Any) -> bool:
    """Tell whether a text says the value of a key that is a choice."""
    if key in ("interval", "timeframe"):
        pattern = spell_interval(value)
    elif key == "period":
        pattern = _PERIODS.get(value) or spell_interval(value)
    elif key == "position_type":
        pattern = _POSITIONS[value]
    elif key == "source":
        pattern = _SOURCES[value]
    elif isinstance(value, bool):
        pattern = "exponential" if value else r"\bsimple|\bsma\b"
    elif key == "trend":
        pattern = _WORDS[value] + (r"|rall" if value == "up" else r"|sell-?off")
    else:
        pattern = _AVERAGES.get(value, re.escape(str(value)))
    return re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None


def spell_interval(name: str) -> str:
    """Return the pattern of an interval or period: `5m`, `5 min`, `5-minute`, `five minutes`."""
    found = re.fullmatch(r"(\d+)([a-z]+)", name)
    assert found is not None, "the grammar has no other"
    word = next((word for word, number in NUMBER_WORDS.items() if number == int(found[1])), found[1])
    alone = rf"|\b{_ALONE[name]}\b" if name in _ALONE else ""
    return rf"\b(?:{found[1]}|{word})[ -]?(?:{_UNITS[found[2]]})\b{alone}"


def list_dates(text: str) -> list[str]:
    """List the ways to write a date."""
    day = date.fromisoformat(text)
    ways = [f"{day:%B} {day.day}, {day.year}", f"{day.day} {day:%B} {day.year}", f"{day:%b} {day.day}, {day.year}"]
    return [text, *ways, f"{day.month}/{day.day}/{day.year}"]


def list_times(text: str) -> list[str]:
    """List the ways to write a time of day."""
    hour, minute = int(text[:2]), text[3:]
    half, twelve = ("am" if hour < 12 else "pm"), (hour - 1) % 12 + 1
    short = [f"{twelve} {half}", f"{twelve}{half}"] if minute == "00" else []
    return [text, f"{hour}:{minute}", f"{twelve}:{minute} {half}", f"{twelve}:{minute}{half}", *short]
