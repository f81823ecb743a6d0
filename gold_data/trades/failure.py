"""Says why nothing of a log became gold, cause first, and keeps the rejected rows to look at."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from files.csv_cells import neutralise_cells
from gold_data.errors import GoldError
from gold_data.folder import REJECTED

CONSEQUENCES = ("after_unreadable", "duplicate")  # of what another row did
NO_BARS_GIVEN = (
    "no platform's log states volatility, so trades need one-minute bars of their tickers and days: give them as "
    "--bars (docs/importing-gold.md says where they come from)"
)
ADVICE = {
    "no_bars": "the bars have no minute within half an hour of an entry or exit: are they of these days and hours?",
    "close_without_open": "what closes more than was opened was opened before the log begins: export from earlier on",
    "price_not_in_bars": "prices outside the bars: are these of the same days, and not adjusted for splits since?",
}


def explain_failure(
    names: Sequence[str], rejected: pl.DataFrame, not_fills: int, notes: Sequence[str], out: Path, *, has_bars: bool
) -> GoldError:
    """Build the error for files of which no row became a gold trade; the rejected rows are written beside `out`.

    Args:
        names: The files.
        rejected: One row per rejected row or trip: `file`, `line`, `rule`, `value`.
        not_fills: Rows in which nothing was bought or sold.
        notes: What was assumed in reading.
        out: The folder that was to be written.
        has_bars: Whether bars were given.
    """
    lines = [f"no row of {', '.join(names)} became a gold trade"]
    rules = set(rejected.get_column("rule"))
    if not has_bars and "no_bars" in rules:
        lines.append(NO_BARS_GIVEN)
    if not_fills:
        lines.append(f"rows in which nothing was bought or sold: {not_fills}")
    if rejected.height:
        counts = rejected.group_by("rule", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
        lines.append("rejected: " + ", ".join(f"{count} x {rule}" for rule, count in counts.rows()))
        causes = rejected.filter(~pl.col("rule").is_in(CONSEQUENCES))
        first = (causes if causes.height else rejected).row(0, named=True)
        lines.append(
            f"the first: {Path(first['file']).name}, line {first['line']}, rule {first['rule']}: {first['value']}"
        )
        lines += [advice for rule, advice in ADVICE.items() if rule in rules and (has_bars or rule != "no_bars")]
    lines += notes
    if rejected.height:
        path = out.with_name(f"{out.name}-{REJECTED}")
        neutralise_cells(rejected).write_csv(path)
        lines.append(f"all rejected rows: {path}")
    return GoldError("\n  ".join(lines))
