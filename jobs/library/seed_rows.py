"""Reads a job's seed rows from their file, whatever its path is made of."""

from typing import TYPE_CHECKING

from data_designer import lazy_heavy_imports as lazy  # duckdb begins a thread when it is imported
from data_designer.config.seed_source import LocalFileSeedSource
from data_designer.engine.resources.seed_reader import SeedReader

if TYPE_CHECKING:
    import duckdb

TABLE = "seed_rows"


class SeedRowsReader(SeedReader[LocalFileSeedSource]):
    """Takes the place of the library's own, which writes the path into SQL as it is, and has DuckDB look for patterns.

    An apostrophe in it ended the statement, and `*`, `?` and `[` were matched against other folders.
    """

    def create_duckdb_connection(self) -> "duckdb.DuckDBPyConnection":
        """Open a database that knows the file's rows as a table."""
        with open(self.source.path, "rb") as file:  # noqa: PTH123 - a path of pyarrow's would be read as an address
            rows = lazy.pq.read_table(file)
        connection: duckdb.DuckDBPyConnection = lazy.duckdb.connect()
        connection.register(TABLE, rows)
        return connection

    def get_dataset_uri(self) -> str:
        """Name the table."""
        return TABLE
