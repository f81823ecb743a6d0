"""NinjaTrader 8: the grid Trades of Trade Performance or the Strategy Analyzer, exported as CSV.

Source: NinjaTrader 8's help guide (Trade Performance: displays, display units, statistics definitions) and exports that
users publish. One row per trade, NinjaTrader having paired the executions: `Trade number, Instrument, Account,
Strategy, Market pos., Qty, Entry price, Exit price, Entry time, Exit time, Entry name, Exit name, Profit, Cum. net
profit, Commission, (fees,) MAE, MFE, ETD, Bars`, often with one more comma at the end. The computer's own settings
decide on `($2.00)`, `-$2.00` or `-2,00 $`, commas or semicolons, `6/9/2025 9:31:12 AM` or `09/06/2025 09:31:12`.

`MAE` and `MFE` are the most adverse and most favourable excursion, the first without a sign, in the display unit. As
percent they are taken as they are. As currency they are taken for the whole quantity and turned into percent of the
entry by what one point of the instrument is worth, which `Profit` tells (with commission and fees added back, or as it
stands): where the rows of an instrument do not agree on one value, they are not taken. Points, pips and ticks, which
have no sign of their unit, are not taken either. `ETD`, the best price less the exit, says nothing that `MFE` does not.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from gold_data.importers.base import RoundTrip
from gold_data.importers.faults import RowFaultError
from gold_data.importers.formats import Format, ReadRow
from gold_data.importers.rows import Row, RowReader, Style

POSITIONS = {"long": "buy", "short": "short"}
EXCURSIONS = {"worst_exit_percent": "mae", "best_exit_percent": "mfe"}
FEES = ("commission", "clearing fee", "exchange fee", "ip fee", "nfa fee")
CURRENCIES = "$€£¥"
CENT = Decimal("0.011")  # profits are rounded to cents
SLACK = Decimal("0.001")  # and prices, in averages

# Of one trade: points moved in its direction times quantity, the profit, the fees.
Outcome = tuple[Decimal, Decimal, Decimal]


def study_rows(rows: Sequence[Row], style: Style) -> ReadRow:
    """Find what a point of each instrument is worth, and give the reader of a row that uses it."""
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for ticker, outcome in _read_outcomes(rows, style):
        outcomes[ticker].append(outcome)
    values = {ticker: _find_point_value(trades) for ticker, trades in outcomes.items()}
    return lambda row: _read_trade(row, values)


def _read_outcomes(rows: Sequence[Row], style: Style) -> Iterator[tuple[str, Outcome]]:
    for row in rows:
        try:
            reader = RowReader(row, style)
            if not _is_money(reader.text("profit")):
                continue
            sign = 1 if reader.choice("position", POSITIONS) == "buy" else -1
            move = sign * (reader.positive("exit_price") - reader.positive("entry_price"))
            fees = sum((abs(reader.optional_number(fee) or Decimal(0)) for fee in FEES), Decimal(0))
            yield reader.ticker("ticker"), (move * reader.positive("quantity"), reader.number("profit"), fees)
        except RowFaultError:
            continue  # the row is rejected when it is read


def _find_point_value(trades: Sequence[Outcome]) -> Decimal | None:
    """Find the value of one point that all trades agree on, profits taken as they stand or with fees added back."""
    points, _, _ = largest = max(trades, key=lambda trade: abs(trade[0]))
    if not points:
        return None
    found = []
    for takes_fees in (0, 1):
        value = (largest[1] + takes_fees * largest[2]) / points
        gaps = (abs(profit + takes_fees * fees - value * points) for points, profit, fees in trades)
        if value > 0 and all(
            gap <= CENT + SLACK * abs(profit) for gap, (_, profit, _) in zip(gaps, trades, strict=True)
        ):
            found.append(value)
    return min(found, key=_measure_oddness, default=None)


def _measure_oddness(value: Decimal) -> Decimal:
    """Tell how far a value is from a multiple of one half: exchanges set round ones."""
    return abs(value * 2 - round(value * 2)) / value


def _is_money(text: str) -> bool:
    return any(sign in text for sign in CURRENCIES)


def _read_trade(row: RowReader, point_values: Mapping[str, Decimal | None]) -> RoundTrip:
    ticker, entry_price, quantity = row.ticker("ticker"), row.positive("entry_price"), row.positive("quantity")
    point_value = point_values.get(ticker)
    stated: dict[str, float] = {}
    for name, field in EXCURSIONS.items():
        text = row.text(field)
        if "%" in text:
            excursion = row.number(field)
        elif _is_money(text) and point_value:
            excursion = 100 * row.number(field) / (point_value * quantity * entry_price)
        else:
            continue
        stated[name] = float(excursion if field == "mfe" else -abs(excursion))
    return RoundTrip(
        source_line=row.row.line,
        ticker=ticker,
        trade_type=row.choice("position", POSITIONS),
        entry_time=row.moment("entry_time"),
        exit_time=row.moment("exit_time"),
        entry_price=float(entry_price),
        exit_price=float(row.positive("exit_price")),
        quantity=float(quantity),
        stated=stated,
        carried={"multiplier": float(point_value)} if point_value else {},
    )


FORMAT = Format(
    name="ninjatrader",
    describes="NinjaTrader 8's grid of trades",
    required={
        "ticker": ("instrument",),
        "position": ("market pos.", "market pos"),
        "quantity": ("qty", "quantity"),
        "entry_price": ("entry price",),
        "exit_price": ("exit price",),
        "entry_time": ("entry time",),
        "exit_time": ("exit time",),
    },
    optional={
        **{name: (name,) for name in ("profit", "mae", "mfe", "account", *FEES)},
        "setup": ("strategy",),
    },
    fees=FEES,
    study=study_rows,
    numbers=("quantity", "entry_price", "exit_price", "profit", "mae", "mfe"),
    moments=(("entry_time",), ("exit_time",)),
    zone="America/New_York",
    zone_note="NinjaTrader writes times in the zone of its own settings; name it where that is not New York's",
    pairs=False,
)
