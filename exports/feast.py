"""A feature repository that Feast applies as it stands: indicators by bar, and every accepted trade at entry and exit.

Feast is not needed to write it. What is known when is the whole point: a bar's indicators are stamped at its
completion, what a trade's entry shows at its entry, and how it ended at its exit.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl

from columns.declared import Declared
from exports.errors import ExportError
from exports.export import Exported
from exports.fills import NEEDED
from exports.finished_run import FinishedRun
from files.whole_file import make_folder, write_text, write_whole
from gold_data.errors import GoldError
from gold_data.markets import Markets
from gold_data.store import GoldFolder, load_gold
from indicators.technicals import INDICATORS, attach_technicals

STAMP = "event_timestamp"
AT_ENTRY = ("ticker", "trade_type", "entry_price", "entry_volatility_percent")
AT_EXIT = ("exit_price", "worst_exit_percent", "best_exit_percent", "trade_percent_change")
BAR = timedelta(minutes=1)
TTL_MINUTES = 30
STORE = """\
# Written by `tradelogs export --to feast`. In this folder: feast apply; feast materialize START END.
project: tradelogs
provider: local
registry: data/registry.db
online_store: {type: sqlite, path: data/online_store.db}
offline_store: {type: file}
entity_key_serialization_version: 3
"""
HEAD = '''\
"""Features of a run. Outcomes are stamped at the exit: asked for at the entry, there are none, and that is right."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, String

ticker = Entity(name="ticker", join_keys=["ticker"], value_type=ValueType.STRING)
trade = Entity(name="trade", join_keys=["row_id"], value_type=ValueType.STRING)
'''
VIEW = """
{name} = FeatureView(
    name="{name}",
    description="{description}",
    entities=[{entity}],
    ttl={ttl},
    schema=[
{fields}
    ],
    source=FileSource(path="data/{name}.parquet", timestamp_field="{stamp}"),
)
"""


def takes_dataset(dataset: Declared) -> bool:
    """Datasets whose rows are round trips."""
    return set(NEEDED) <= set(dataset.fields)


def write(run: FinishedRun, out: Path) -> Exported:
    """Write `feature_store.yaml`, `features.py` and a Parquet file per view into a folder.

    `bar_indicators` are those of the bars that the run's gold came with, its train part; a gold without bars has no
    such view. What is said: how many gold trades would find none, because their last bar is older than the view's TTL.

    Raises:
        ExportError: `out` is a file, or the run's gold cannot be read.
    """
    if out.is_file():
        raise ExportError(f"{out} is a file: name a folder with --out")
    told = run.profile.document.get("export_options", {}).get("feast", {})
    ttl = timedelta(minutes=told.get("ttl_minutes", TTL_MINUTES))
    names = [name for name in INDICATORS if name in run.accepted.columns]
    views, gold = list_views(run.accepted, names), load_gold(run.folder / "gold")
    notes = ["the gold has no bars, so there is no view bar_indicators"]
    if gold.bars is not None:
        views = {"bar_indicators": stamp_bars(gold.bars, names, _read_markets(gold)), **views}
        late = count_late(gold.train, gold.bars, ttl)
        notes = [f"{late} of {gold.train.height} gold trades' last bar is older than the TTL"] if late else []
    make_folder(out / "data")
    for name, view in views.items():
        with write_whole(out / "data" / f"{name}.parquet") as partial:
            view.write_parquet(partial)
    write_text(STORE, out / "feature_store.yaml")
    write_text(write_features({name: view.schema for name, view in views.items()}, ttl), out / "features.py")
    return Exported(out, run.accepted.height, tuple(notes))


def list_views(accepted: pl.DataFrame, names: Sequence[str]) -> dict[str, pl.DataFrame]:
    """List what is known of accepted trades at their entry, and at their exit."""
    known = {"entry": (*AT_ENTRY, *names), "exit": AT_EXIT}
    views = {
        leg: accepted.select(
            "row_id",
            pl.col(f"{leg}_time").dt.convert_time_zone("UTC").alias(STAMP),
            *(name for name in columns if name in accepted.columns),
        )
        for leg, columns in known.items()
    }
    return {"trade_entry": views["entry"], "trade_outcome": views["exit"]}


def stamp_bars(bars: pl.DataFrame, names: Sequence[str], markets: Markets) -> pl.DataFrame:
    """Compute the indicators of minute bars, each bar stamped at the end of its minute, in UTC."""
    parts = [attach_technicals(own, names, market=market) for market, own in markets.split(bars)]
    stamp = (pl.col("timestamp") + BAR).dt.convert_time_zone("UTC")
    return pl.concat(parts).select("ticker", stamp.alias(STAMP), *names)


def count_late(trades: pl.DataFrame, bars: pl.DataFrame, ttl: timedelta) -> int:
    """Count the trades that have bars before their entry, of which the last was complete longer ago than `ttl`."""
    complete = bars.select("ticker", entry_time=pl.col("timestamp") + BAR, complete=pl.col("timestamp") + BAR)
    entries = trades.select("ticker", pl.col("entry_time").cast(complete.schema["entry_time"])).sort("entry_time")
    found = entries.join_asof(complete.sort("entry_time"), on="entry_time", by="ticker", check_sortedness=False)
    return found.filter(pl.col("entry_time") - pl.col("complete") > ttl).height


def write_features(views: Mapping[str, pl.Schema], ttl: timedelta) -> str:
    """Write the declarations that Feast reads."""
    said = {
        "bar_indicators": ("ticker", f"timedelta(minutes={ttl // BAR})", "Indicators at the completion of a bar."),
        "trade_entry": ("trade", "timedelta(0)", "What an accepted trade's entry shows; no later bar is read."),
        "trade_outcome": ("trade", "timedelta(0)", "How an accepted trade ended, known from its exit on."),
    }
    return HEAD + "".join(_write_view(name, schema, *said[name]) for name, schema in views.items())


def _write_view(name: str, schema: pl.Schema, entity: str, ttl: str, description: str) -> str:
    kinds = {name: "String" if kind == pl.String else "Float64" for name, kind in schema.items()}
    fields = [f'        Field(name="{n}", dtype={k}),' for n, k in kinds.items() if n not in ("row_id", STAMP)]
    keyed = [line for line in fields if entity != "ticker" or 'name="ticker"' not in line]
    return VIEW.format(name=name, description=description, entity=entity, ttl=ttl, fields="\n".join(keyed), stamp=STAMP)


def _read_markets(gold: GoldFolder) -> Markets:
    try:
        return gold.markets
    except (OSError, ValueError, AttributeError, GoldError) as exc:
        raise ExportError(f"{gold.folder} cannot be read: {exc}") from exc
