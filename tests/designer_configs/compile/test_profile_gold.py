"""Where a profile's gold comes from: files with a split of the profile's own, or an imported folder with its own."""

from pathlib import Path

import pytest
import yaml

from designer_configs.compile.check import check_gold_files
from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.profile import load_profile
from designer_configs.errors import ConfigError
from gold_data.source import GoldSource

OFFLINE = PROJECT_ROOT / "designer_configs" / "offline.yaml"


def write_profile(folder: Path, gold: object) -> str:
    data = yaml.safe_load(OFFLINE.read_text(encoding="utf-8")) | {"gold": gold}
    (folder / "mine.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return str(folder / "mine.yaml")


def test_a_folder_brings_trades_bars_and_split(tmp_path: Path) -> None:
    wanted = GoldSource({"trades": tmp_path / "trades.parquet"}, 0.0, 0, tmp_path / "split.json")
    assert load_profile(write_profile(tmp_path, {"folder": str(tmp_path)})).gold == wanted
    (tmp_path / "bars.parquet").touch()
    assert load_profile("offline", {"gold": tmp_path}).gold.files["bars"] == tmp_path / "bars.parquet"


def test_another_gold_takes_no_disguise_off(tmp_path: Path) -> None:
    hidden = ("gold.disguise=true",)
    assert load_profile("offline", {"sets": hidden, "gold": tmp_path}).gold.disguise
    assert load_profile("offline", {"sets": hidden, "gold_rows": tmp_path / "rows.csv"}).gold.disguise
    assert load_profile(write_profile(tmp_path, {"folder": str(tmp_path), "disguise": True})).gold.disguise
    assert not load_profile(write_profile(tmp_path, {"folder": str(tmp_path)})).gold.disguise


def test_an_effective_profile_with_a_folder_means_the_same(tmp_path: Path) -> None:
    profile = load_profile("offline", {"gold": tmp_path})
    assert profile.document["gold"] == {"folder": str(tmp_path)}
    (tmp_path / "again.yaml").write_text(profile.to_yaml(), encoding="utf-8")
    assert load_profile(tmp_path / "again.yaml").gold == profile.gold


def test_gold_trades_take_the_place_of_a_folder(tmp_path: Path) -> None:
    mine = write_profile(tmp_path, {"folder": "gold"})
    assert load_profile(mine, {"gold_rows": tmp_path / "my.csv"}).gold == GoldSource(
        {"trades": tmp_path / "my.csv"}, 0.2
    )


def test_the_profiles_own_split_stays_with_other_trades(tmp_path: Path) -> None:
    mine = write_profile(tmp_path, {"trades": "a.csv", "holdout": 0.3, "embargo": 2})
    assert load_profile(mine, {"gold_rows": tmp_path / "b.csv"}).gold == GoldSource(
        {"trades": tmp_path / "b.csv"}, 0.3, 2
    )


@pytest.mark.parametrize(
    ("gold", "wrong"),
    [
        ({}, "gold: the key trades is missing"),
        ({"folder": "gold", "trades": "a.csv"}, "gold.trades: a gold folder has rows of its own"),
        ({"folder": "gold", "bars": None}, "gold.bars: a gold folder has bars of its own"),
        ({"folder": "gold", "holdout": 0.3}, "gold.holdout: a gold folder has a split of its own"),
        ({"folder": "gold", "embargo": 1}, "gold.embargo: a gold folder has a split of its own"),
        ({"trades": "a.csv", "embargo": -1}, "gold.embargo: must be at least 0"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, gold: object, wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_profile(write_profile(tmp_path, gold))
    assert [wrong in str(problem) for problem in caught.value.problems] == [True]


@pytest.mark.parametrize("other", ["gold_rows", "gold_bars"])
def test_a_folder_and_files_on_the_command_line(other: str) -> None:
    with pytest.raises(ConfigError, match=f"--{other.replace('_', '-')}: a gold folder has"):
        load_profile("offline", {"gold": "gold", other: "x.csv"})


def test_gold_that_is_not_there_is_said_with_file_line_and_key(tmp_path: Path) -> None:
    mine = write_profile(tmp_path, {"trades": str(tmp_path / "no.csv"), "bars": str(tmp_path / "nor.csv")})
    found = check_gold_files(load_profile(mine))
    lines = Path(mine).read_text(encoding="utf-8").splitlines()
    wanted = {
        key: lines.index(f"  {key}: {tmp_path / name}") + 1 for key, name in (("trades", "no.csv"), ("bars", "nor.csv"))
    }
    assert {problem.path: problem.line for problem in found} == {f"gold.{key}": line for key, line in wanted.items()}
    assert all(problem.message.endswith("there is no such file: name one that is there") for problem in found)
    (folder,) = check_gold_files(load_profile(write_profile(tmp_path, {"folder": str(tmp_path / "none")})))
    assert (folder.path, "gold import" in folder.message) == ("gold.folder", True)


def test_gold_of_the_command_line_is_not_said_of_the_profile(tmp_path: Path) -> None:
    mine = write_profile(tmp_path, {"trades": str(tmp_path / "no.csv")})
    assert check_gold_files(load_profile(mine, {"gold_rows": tmp_path / "other.csv"})) == []
