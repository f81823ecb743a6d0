"""A year of minute bars of 100 tickers is imported in bounded memory."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIMIT = 2048  # MiB


@pytest.mark.slow
def test_peak_memory_of_ten_million_bars() -> None:
    command = [sys.executable, "-m", "benchmarks.bench_import", "--full"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    peaks = [float(peak.replace(",", "")) for peak in re.findall(r"peak memory ([\d,]+) MiB", said)]
    assert len(peaks) == 3
    assert max(peaks) < LIMIT, said
