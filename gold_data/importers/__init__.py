"""Importers: one module per format that trading platforms export, and one registry of them.

1. `opening`      finds a file's format and its rows
2. `reading`      reads the rows, each by its format, and accounts for every one
3. `pooling`      fills of several files, each once
4. `pairing`      fills to round trips
5. `registry`     the formats, and all of this in order
"""

from gold_data.importers.base import ImportedFile, RejectedRow, RoundTrip, trips_to_frame
from gold_data.importers.registry import FORMAT_NAMES, FORMATS, LogOptions, detect_format, import_file, import_files

__all__ = [
    "FORMATS",
    "FORMAT_NAMES",
    "ImportedFile",
    "LogOptions",
    "RejectedRow",
    "RoundTrip",
    "detect_format",
    "import_file",
    "import_files",
    "trips_to_frame",
]
