"""Every profile of the gallery runs as it stands, and has its picture; its gold is what its script makes."""

import re
from pathlib import Path

import polars as pl
import pytest

from designer_configs.compile.profile import load_profile
from gold_data.sample.gallery import GALLERY, compare_gallery
from tests.conftest import ROOT, run_cli

FOLDER = ROOT / "docs/gallery"
PROFILES = sorted(FOLDER.glob("*.yaml"))
MOST_BYTES = 120_000


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_of_the_gallery_runs(profile: Path, tmp_path: Path) -> None:
    said = run_cli("generate", profile, "--num", 3, "--out", tmp_path / "run")
    assert said.exit_code == 0, said.output
    assert pl.read_parquet(tmp_path / "run/accepted.parquet").height == 3
    assert not re.search(r"[1-9]\d* (rows|lines) (were )?left out", said.output)
    written = {path.name for path in (tmp_path / "run").rglob("*")}
    assert {name for name in load_profile(profile).export if name in ("fills", "chat", "by_time", "finetuning")} <= {
        name.partition(".")[0] for name in written
    }


def test_trades_of_futures_lie_on_ticks_and_those_of_coins_on_every_day(tmp_path: Path) -> None:
    futures, coins = (
        pl.read_csv(GALLERY / f"{name}_trades.csv", try_parse_dates=True) for name in ("futures", "crypto")
    )
    assert ((futures["entry_price"] / 0.25) % 1 == 0).all()
    assert set(coins["entry_time"].dt.weekday()) == {*range(1, 8)}
    assert min(len(futures), len(coins)) >= 100


def test_every_profile_has_a_small_picture_and_a_place_on_the_page() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for profile in PROFILES:
        picture = profile.with_suffix(".png")
        assert picture.read_bytes()[:4] == b"\x89PNG"
        assert picture.stat().st_size <= MOST_BYTES
        assert f"]({picture.name})" in page
        assert f"docs/gallery/{profile.name}" in page


@pytest.mark.slow
def test_the_gold_is_what_its_script_makes() -> None:
    assert compare_gallery(GALLERY) == []
