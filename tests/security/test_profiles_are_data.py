"""A profile runs nothing, reads nothing it has no business with, and cannot exhaust the machine."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.checks.yaml_source import MAX_BYTES, load_yaml
from designer_configs.compile.profile import load_profile
from designer_configs.errors import ConfigError

WriteProfile = Callable[..., Path]


def explain(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_profile(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"dataset": "../../etc"}, "dataset: there is no columns/../../etc/dataset.yaml"),
        ({"dataset": "/etc"}, "dataset: there is no columns//etc/dataset.yaml"),
        ({"dataset": "."}, "dataset: there is no"),
        ({"controls": ["../trade_log/trade"]}, "controls.0"),
        ({"controls": [{"use": "/etc/passwd"}]}, "controls.0"),
        ({"export": ["../../x"]}, "export.0: must be a format: parquet, csv, jsonl, or one of the dataset's"),
        ({"gold.trades": "../elsewhere.csv"}, "gold.trades: ../elsewhere.csv leads out of"),
        ({"gold.trades": "gold_data/../../x.csv"}, "gold.trades: gold_data/../../x.csv leads out of"),
        ({"gold.bars": "../bars.parquet"}, "gold.bars: ../bars.parquet leads out of"),
        ({"gold": {"folder": "../.."}}, "gold.folder: ../.. leads out of"),
        ({"gold.trades": "a\0b"}, "gold.trades: "),
        ({"gold.trades": "https://x.example/t.csv"}, "https://x.example/t.csv is an address"),
        ({"gold.trades": "s3://bucket/t.parquet"}, "s3://bucket/t.parquet is an address"),
        ({"gold.bars": "file:///etc/passwd"}, "file:///etc/passwd is an address"),
        ({"gold.trades": "-"}, "gold.trades: - is standard input"),
        ({"gold.bars": "gold_data/sample/*.parquet"}, "is a pattern of names"),
        ({"gold.trades": "/dev/stdin"}, "/dev/stdin is no regular file"),
        ({"gold": {"folder": "https://x.example/gold"}}, "https://x.example/gold is an address"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(
    tmp_path: Path, write_profile: WriteProfile, changes: dict[str, Any], problem: str
) -> None:
    said = explain(write_profile(tmp_path / "escape.yaml", changes))
    assert problem in said
    assert len(re.findall(": gold[.]", said)) <= 1


def test_a_link_that_leads_elsewhere_is_refused(tmp_path: Path, write_profile: WriteProfile) -> None:
    link = PROJECT_ROOT / "runs-link-of-a-test"
    link.symlink_to(tmp_path)
    try:
        assert "leads out of" in explain(write_profile(tmp_path / "link.yaml", {"gold.trades": f"{link.name}/x.csv"}))
    finally:
        link.unlink()


@pytest.mark.parametrize("name", ["trades.parquet", "bars.parquet", "split.json"])
def test_a_link_in_a_gold_folder_that_leads_elsewhere_is_refused(
    tmp_path: Path, write_profile: WriteProfile, name: str
) -> None:
    folder = PROJECT_ROOT / "gold-folder-of-a-test"
    folder.mkdir()
    try:
        profile = write_profile(tmp_path / "link.yaml", {"gold": {"folder": folder.name}})
        (folder / name).symlink_to(folder / "own")
        assert load_profile(profile).gold.files["trades"] == folder / "trades.parquet"
        (folder / name).unlink()
        (folder / name).symlink_to(tmp_path / name)
        said = explain(profile)
        assert said.count("gold.folder: ") == 1
        assert f"gold.folder: {folder.name}/{name} leads out of {PROJECT_ROOT}" in said
    finally:
        shutil.rmtree(folder)


def test_what_a_person_names_may_lie_anywhere(tmp_path: Path, write_profile: WriteProfile) -> None:
    absolute = write_profile(tmp_path / "named.yaml", {"gold.trades": str(tmp_path / "mine.csv")})
    assert load_profile(absolute).gold.files["trades"] == tmp_path / "mine.csv"
    assert load_profile("offline", {"gold_rows": tmp_path / "mine.csv"}).gold.files["trades"] == tmp_path / "mine.csv"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: !!python/object/apply:os.system [touch ran]\n", "the tag !!python/object/apply:os.system is not allowed"),
        (b"a: !!python/name:os.system\n", "is not allowed"),
        (b"!!python/object:os.system {}\n", "is not allowed"),
        (b"a: 1\na: 2\n", "duplicate key"),
        (b"a: &a [*a]\n", "refers to itself"),
        (b"a: {<<: {b: 1}}\n", "merge keys are not read"),
        (b"a: \xff\n", "is not UTF-8"),
        (b"\xff\xfea\0:\0", "is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"a: " + b"9" * 10_000 + b"\n", "is no value"),
        (b"a: " + b"x" * MAX_BYTES, f"the limit is {MAX_BYTES}"),
        (b"a: &a " + b"x" * 100_000 + b"\nb: [" + b"*a, " * 100 + b"]\n", "characters, aliases included"),
        (
            b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b"*a%d, " % (n - 1) * 9) for n in range(1, 9)),
            "has",
        ),
    ],
)
def test_hostile_yaml_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, problem: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hostile.yaml"
    path.write_bytes(content)
    assert problem in explain(path)
    assert not (tmp_path / "ran").exists()


def test_a_device_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    for name, problem in {"pipe": "no regular file", "device": "no regular file", "loop": "cannot be read"}.items():
        assert problem in str(load_yaml(tmp_path / f"{name}.yaml").problems[0])


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://me:secret@host/v1",
        "http://secret@host",
        "http://host/v1?api_key=secret",
        "http://host/#secret",
        "file:///etc/passwd",
        "http:///v1",
    ],
)
def test_an_address_holds_no_credentials(tmp_path: Path, write_profile: WriteProfile, endpoint: str) -> None:
    provider = {"name": "mine", "endpoint": endpoint}
    said = explain(write_profile(tmp_path / "address.yaml", {"provider": provider}))
    assert "provider.endpoint: must be the address of an API" in said
    assert "secret" not in said
