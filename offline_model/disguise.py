"""A run's disguise, as this model takes it off what it reads and puts it on what it says.

What it draws hangs on the text of a prompt, so under a disguise it would draw other rows. It is told the mapping by the
process that started it, in no request, and answers the prompt that it would have been sent without. So a rehearsal
under a disguise has the rows of one without, as long as nothing is lost on the way there and back.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

FACTOR_DIGITS = 2  # decimals of a factor, which is told in hundredths
RANGE_DIGITS = 4  # decimals of the ends of a price range, the only prices that are rounded under a disguise

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_PLACES = r"""
      (?<!\d) (?P<day> \d{{4}}-\d\d-\d\d ) (?!\d)
    | (?P<lead> rice[ ](?:the[ ]gold[ ]knows[ ])?of[ ] ) (?P<of> {names} )
      (?P<mark> (?: : | ;[ ]limit: | ;[ ]expected ) [ ] ) (?P<low> {number} ) [ ]to[ ] (?P<high> {number} )
    | (?<!\w) (?P<name> {names} ) (?!\w)
    | (?P<key> "(?:{fields})":[ ] ) (?P<value> {number} )
    | (?<!\w) (?P<field> (?:{fields}) `? (?: [ ] | :[ ] | [ ]=[ ] ) ) (?P<price> {number} )
"""  # where a text may name a date, a ticker or a price: rules, JSON, critiques, loose words

Scale = Callable[[Decimal, int], Decimal]


@dataclass(frozen=True, slots=True)
class Way:
    """One way between a text and the same under the disguise: what becomes of names, prices and dates."""

    places: re.Pattern[str]
    names: Mapping[str, str]
    hundredths: Mapping[str, int]
    scale: Scale
    weeks: int


class Disguise:
    """One disguise, by the mapping that the run keeps: codes and factors by ticker, and the weeks of the shift."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        codes, factors = mapping["codes"], mapping["hundredths"]
        tickers = {code: ticker for ticker, code in codes.items()}
        shown, real = (_find_places(names, mapping["fields"]["prices"]) for names in (tickers, codes))
        by_code = {code: factors[ticker] for code, ticker in tickers.items()}
        self.off = Way(shown, tickers, by_code, find_price, -mapping["weeks"])
        self.on = Way(real, codes, factors, hide_price, mapping["weeks"])


class Chat:
    """One chat under a disguise; a price in it is one of the ticker that was named last."""

    def __init__(self, disguise: Disguise) -> None:
        self._disguise = disguise
        self._hundredths = 100

    def read(self, text: str) -> str:
        """Give a message as it would have been without the disguise."""
        return self._go(text, self._disguise.off)

    def say(self, text: str) -> str:
        """Give an answer as it is under the disguise; read again, it is what it was."""
        return self._go(text, self._disguise.on)

    def _go(self, text: str, way: Way) -> str:
        def put(found: re.Match[str]) -> str:
            if (name := found["of"] or found["name"]) is not None:
                self._hundredths = way.hundredths[name]
            low, high, value, price = (
                way.scale(Decimal(found[part]), self._hundredths) if found[part] else Decimal()
                for part in ("low", "high", "value", "price")
            )
            match found.lastgroup:
                case "day":
                    return _shift(found["day"], way.weeks)
                case "name":
                    return way.names[found["name"]]
                case "high":
                    return f"{found['lead']}{way.names[found['of']]}{found['mark']}{low:f} to {high:f}"
                case "value":
                    return f"{found['key']}{float(value)!r}"
                case _:
                    return f"{found['field']}{price:f}"

        return way.places.sub(put, text)


def hide_price(price: Decimal, hundredths: int) -> Decimal:
    """Rescale a price, exactly: it gets two decimals more."""
    return (price * hundredths).scaleb(-FACTOR_DIGITS)


def find_price(shown: Decimal, hundredths: int) -> Decimal:
    """Find the price that is shown so: with two decimals less, or the end of a range, which was rounded."""
    price = shown * 100 / hundredths
    exact = round(price, max(0, -int(shown.as_tuple().exponent) - FACTOR_DIGITS))
    return exact if hide_price(exact, hundredths) == shown else round(price, RANGE_DIGITS).normalize()


def _find_places(names: Iterable[str], fields: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    either = {"names": "|".join(map(re.escape, longest_first)), "fields": "|".join(map(re.escape, fields))}
    return re.compile(_PLACES.format(number=_NUMBER, **either), re.VERBOSE)


def _shift(day: str, weeks: int) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(weeks=weeks)).isoformat()
    except (ValueError, OverflowError):
        return day
