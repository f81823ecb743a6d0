"""What `test_feast` does in Feast's own virtual environment: apply, joins at given moments, materialise, online read.

`python feast_session.py FOLDER ENTITIES ROW_ID OUT`: ENTITIES has `ticker`, `row_id` and `event_timestamp`. No socket
but those of the machine itself may be opened.
"""

import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
from feast import FeatureStore
from feast.cli.cli import cli

VIEWS = {"bars": "bar_indicators", "entry": "trade_entry", "outcome": "trade_outcome"}


class LocalSocket(socket.socket):
    """A socket that reaches no other machine."""

    def connect(self, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            raise OSError(f"the network was asked for: {address}")
        super().connect(address)


def main(folder: Path, entities: Path, row_id: str, out: Path) -> None:
    os.chdir(folder)
    cli(["apply"], standalone_mode=False)
    store = FeatureStore(repo_path=".")
    asked = pd.read_parquet(entities)
    for name, view in VIEWS.items():
        features = [f"{view}:{field.name}" for field in store.get_feature_view(view).features]
        keys = ["ticker"] if view == "bar_indicators" else ["row_id"]
        joined = store.get_historical_features(asked[[*keys, "trade", "event_timestamp"]], features).to_df()
        joined.to_parquet(out / f"{name}.parquet")
    store.materialize(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), ["trade_outcome"])
    read = store.get_online_features(["trade_outcome:exit_price"], [{"row_id": row_id}]).to_dict()
    (out / "online.json").write_text(json.dumps(read))


if __name__ == "__main__":
    with patch.object(socket, "socket", LocalSocket):
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
