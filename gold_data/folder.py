"""The files of a gold folder: one that a run keeps, one that an import wrote."""

BARS = "bars.parquet"
REJECTED = "rejected_rows.csv"

# of a run only
TRAIN = "train.parquet"
HOLDOUT = "holdout.parquet"
HOLDOUT_BARS = "holdout_bars.parquet"
FACTS = "facts.json"

# of an import only
TRADES = "trades.parquet"
SPLIT = "split.json"
CARD = "DATA_CARD.md"
MARKET = "market.json"
