"""Gold trades in this project's own columns (`columns/trade_log/trade.schema.json`), times with their date and offset.

Measures may be missing, or empty; they are then taken from bars.
"""

from dataclasses import replace

from gold_data.importers.base import STATED_FIELDS
from gold_data.importers.generic import build_format
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.trades.schema import CARRIED, CORE_FIELDS, INSTRUMENT_COLUMNS

_COLUMNS = (*CORE_FIELDS, STATED_FIELDS[-1])
_FORMAT = build_format({"rows": "round_trips", "zone": EXCHANGE_ZONE, "columns": {name: name for name in _COLUMNS}})

FORMAT = replace(
    _FORMAT,
    name="gold",
    describes="gold trades in this project's own columns",
    follows_market=True,
    required={name: names for name, names in _FORMAT.required.items() if name not in STATED_FIELDS},
    optional={name: names for name, names in _FORMAT.required.items() if name in STATED_FIELDS}
    | {name: (name,) for name in (*CARRIED, *INSTRUMENT_COLUMNS)},
)
