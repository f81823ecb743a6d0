"""Importers: one module per format that trading platforms export, and one registry of them."""

from gold_data.importers.base import ImportedFile, RejectedRow, RoundTrip, trips_to_frame
from gold_data.importers.registry import FORMAT_NAMES, FORMATS, detect_format, import_file

__all__ = [
    "FORMATS",
    "FORMAT_NAMES",
    "ImportedFile",
    "RejectedRow",
    "RoundTrip",
    "detect_format",
    "import_file",
    "trips_to_frame",
]
