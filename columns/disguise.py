"""A disguise of gold: codes for tickers, prices times one factor a ticker, dates shifted by whole weeks.

What a model is shown is made of the disguised gold, and what it answers is put back; everything else, in the loop and
in the run's folder, is as it is without. The codes, factors and weeks hang on the gold itself and on the seed: the same
run has the same. It is no cipher: prices are rescaled exactly, so many of a ticker have its factor as a divisor.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from hashlib import blake2b
from math import gcd
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Protocol

import polars as pl

from columns.declared import Disguisable
from files.whole_file import write_text
from gold_data.folder import FACTS, TRAIN
from gold_data.store import GoldFolder, load_gold

FOLDER = "disguised"  # of a run: the gold as models are shown it, and the mapping
MAPPING = "mapping.json"
FACTOR_DIGITS = 2  # decimals of a factor, by which the steps of disguised prices are finer than the gold's
FACTORS = [number for number in range(150, 951) if gcd(number, 10) == 1]  # hundredths
LEAST_DECIMALS, MOST_DECIMALS = 2, 8  # of the gold's prices
LEAST_WEEKS, MORE_WEEKS = 26, 520  # beyond the span of the gold's dates, so that no shifted date is one of them
SAME = 1e-9  # of a price, which is no rounding

Row = Mapping[str, Any]
Change = Callable[[str, float], float]


class Disguising(Protocol):
    """What a dataset knows of its gold that fields do not say."""

    def list_steps(self, facts: Mapping[str, Any]) -> Mapping[str, float]:
        """List the steps of prices by ticker, as far as they are known."""

    def disguise_facts(self, facts: Mapping[str, Any], disguise: "Disguise") -> Mapping[str, Any]:
        """Give the facts as they are under a disguise."""


@dataclass(frozen=True)
class Disguise:
    """One disguise: a code, a factor in hundredths and the step of prices by ticker, and the weeks of the shift."""

    fields: Disguisable
    codes: Mapping[str, str]
    hundredths: Mapping[str, int]
    steps: Mapping[str, float]
    weeks: int

    def hide_price(self, ticker: str, price: float) -> float:
        """Rescale a price, exactly in decimals: it shows two more than before."""
        return round(price * self.hundredths[ticker] / 100, count_decimals(price) + FACTOR_DIGITS)

    def hide_limit(self, ticker: str, price: float) -> float:
        """Rescale the end of a range of prices, to no more decimals than those of its ticker show."""
        decimals = max(LEAST_DECIMALS, count_decimals(self.steps[ticker])) + FACTOR_DIGITS
        return round(self.hide_price(ticker, price), decimals)

    def find_price(self, ticker: str, shown: float) -> float:
        """Find the price that was rescaled, not yet on a step."""
        return shown * 100 / self.hundredths[ticker]

    def hide_row(self, row: Row) -> dict[str, Any]:
        """Disguise a row, or what of it is there; a ticker that the gold does not know stays, and its prices do."""
        ticker = row.get(self.fields.ticker)
        changed = {name: self.shift(row[name], self.weeks) for name in self.fields.dates if name in row}
        if isinstance(ticker, str) and ticker in self.codes:
            changed |= self._change_prices(row, ticker, self.hide_price) | {self.fields.ticker: self.codes[ticker]}
        return {**row, **changed}

    def find_row(self, shown: Row) -> tuple[dict[str, Any], str | None]:
        """Find the row that was disguised, its prices not yet on steps, and its ticker where the gold has it."""
        tickers = {code: ticker for ticker, code in self.codes.items()}
        changed = {name: self.shift(shown[name], -self.weeks) for name in self.fields.dates if name in shown}
        ticker = tickers.get(str(shown.get(self.fields.ticker)))
        if ticker is not None:
            changed |= self._change_prices(shown, ticker, self.find_price) | {self.fields.ticker: ticker}
        return {**shown, **changed}, ticker

    def put_on_steps(self, row: Row, ticker: str) -> dict[str, Any]:
        """Put the prices of a row on the steps of its ticker, but for those that are exact though they are finer."""
        return {**row, **self._change_prices(row, ticker, lambda name, price: settle_price(price, self.steps[name]))}

    def shift(self, day: Any, weeks: int) -> Any:
        """Shift a date, or one that is written; anything else stays."""
        if isinstance(day, date):
            return day + timedelta(weeks=weeks)
        try:
            return (date.fromisoformat(day) + timedelta(weeks=weeks)).isoformat()
        except (TypeError, ValueError):
            return day

    def _change_prices(self, row: Row, ticker: str, change: Change) -> dict[str, float]:
        given = {name: row[name] for name in self.fields.prices if _is_number(row.get(name))}
        return {name: change(ticker, price) for name, price in given.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def count_decimals(number: float) -> int:
    """Count the decimals that a number shows, as far as prices have any."""
    return len(f"{number:.{MOST_DECIMALS}f}".rstrip("0").partition(".")[2])


def settle_price(price: float, step: float) -> float:
    """Settle on a price that was found: one that is exact in decimals was meant so, another goes on the nearest step.

    Between steps no price is exact by chance, if the one that was shown has no more decimals than the gold's under the
    disguise: factors have no divisor in common with ten.
    """
    exact = round(price, count_decimals(step) + FACTOR_DIGITS)
    return exact if exact > 0 and abs(price - exact) <= SAME * exact else put_on_step(price, step)


def put_on_step(price: float, step: float) -> float:
    """Put a price on the nearest step, the first one at least."""
    return round(max(1, round(price / step)) * step, count_decimals(step))


def draw_disguise(
    train: pl.DataFrame, fields: Disguisable, seed: int, known: Mapping[str, float] = MappingProxyType({})
) -> Disguise:
    """Draw the disguise of a gold's train part: the same for the same rows and seed.

    A step of a ticker's prices is the one that is known, or else one unit of the last decimal that any of them shows, a
    cent at most.
    """
    rows = json.dumps(train.to_dicts(), default=str).encode()
    rng = Random(int.from_bytes(blake2b(rows, digest_size=16, key=f"disguise:{seed}".encode()).digest()))  # noqa: S311 - it hangs on the gold, which is the secret
    tickers = sorted(map(str, train[fields.ticker].unique()))
    numbers = rng.sample(range(1, len(tickers) + 1), len(tickers))
    prefix = next(name for name in ("TKR", "CODE", "ASSET") if not any(t.startswith(name) for t in tickers))
    width = max(2, len(str(len(tickers))))
    days = [day for name in fields.dates if name in train.columns for day in train[name].drop_nulls()]
    span = (max(days) - min(days)).days // 7 + 1 if days else 0
    return Disguise(
        fields,
        codes={ticker: f"{prefix}{number:0{width}d}" for ticker, number in zip(tickers, numbers, strict=True)},
        hundredths={ticker: rng.choice(FACTORS) for ticker in tickers},
        steps={t: known.get(t) or find_step(train.filter(pl.col(fields.ticker) == t), fields) for t in tickers},
        weeks=-(span + rng.randint(LEAST_WEEKS, MORE_WEEKS)),
    )


def find_step(rows: pl.DataFrame, fields: Disguisable) -> float:
    """Find the step of prices by the decimals that they show."""
    prices = [price for name in fields.prices if name in rows.columns for price in rows[name].drop_nulls()]
    return 10.0 ** -max([LEAST_DECIMALS, *map(count_decimals, prices)])


def open_disguise(
    gold: GoldFolder, folder: Path, fields: Disguisable, seed: int, dataset: Disguising
) -> tuple[Disguise, GoldFolder]:
    """Give the disguise of a gold, and the gold as it is under it; what is not yet in `folder` is written there."""
    disguise = draw_disguise(gold.train, fields, seed, dataset.list_steps(gold.facts))
    if not (folder / FACTS).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        shown = [disguise.hide_row(row) for row in gold.train.to_dicts()]
        pl.DataFrame(shown, schema=gold.train.schema).write_parquet(folder / TRAIN)
        write_text(json.dumps(asdict(disguise), indent=1) + "\n", folder / MAPPING)
        write_text(json.dumps(dataset.disguise_facts(gold.facts, disguise), indent=2) + "\n", folder / FACTS)
    return disguise, load_gold(folder)


def find_shown_gold(gold: GoldFolder) -> GoldFolder:
    """Find the gold as models are shown it: the disguised one beside it, where there is one."""
    shown = gold.folder.parent / FOLDER
    return load_gold(shown) if (shown / FACTS).is_file() else gold
