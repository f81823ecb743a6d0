"""Every command works below a path of any characters, or refuses it before anything is done."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result

from tests.conftest import ROOT
from tradelogs.cli import main

Cli = Callable[..., Result]
WriteProfile = Callable[[Path, Mapping[str, Any]], Path]

SAMPLE = ROOT / "gold_data/sample"
ODD = "-Ann's [v2]*?: \"~é`$HOME` {a}\\;\x1b[31m\n%41"
NAMES = (
    "Ann's",
    "a*b",
    "2026-11-29T10:30",
    "s3:",
    "x [v2]",
    " a b ",
    "new\nline",
    "~",
    "--num",
    "a?b",
    "back\\slash",
    "\u202eback",
    "n" * 150,  # twice below each other: SQLite's limit is 480 bytes in all
    ":memory:",
    ODD,
)
WITHOUT_PATHS = {"completion", "context", "offline-model"}
SERVERS = {"review", "serve"}  # tests/service


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of an odd name with gold of an odd name, and stand beside it."""
    monkeypatch.chdir(tmp_path)
    return fill_place(Path(ODD))


def fill_place(folder: Path) -> Path:
    folder.mkdir()
    for name in ("trades.csv", "bars.parquet"):
        shutil.copy(SAMPLE / name, folder / f"it's *:{name}")
    return folder


def write_odd_profile(place: Path, write_profile: WriteProfile) -> str:
    gold = {f"gold.{key}": str((place / f"it's *:{name}").absolute()) for key, name in GOLD.items()}
    formats = {"export": ["parquet", "csv", "jsonl", "chat"]}
    return f"./{write_profile(place / 'its:*.yaml', gold | formats)}"


GOLD = {"trades": "trades.csv", "bars": "bars.parquet"}


def make_run(cli: Cli, profile: str, out: str, *options: object) -> Result:
    done = cli("generate", profile, "--num", 4, f"--out={out}", "--no-report", *options)
    check(done)
    return done


def check(done: Result, codes: Sequence[int] = (0,)) -> None:
    """Check that a command did what it should, and said it in characters that a terminal does not obey."""
    assert done.exit_code in codes, done.output
    assert isinstance(done.exception, SystemExit | None)
    assert done.output.replace("\n", "").replace("\t", "").isprintable()


def test_commands_of_a_run_work_below_an_odd_path(place: Path, cli: Cli, write_profile: WriteProfile) -> None:
    run = f"{place}/a:b"
    done = make_run(cli, write_odd_profile(place, write_profile), run)
    assert (place / "a:b/exports/chat.jsonl").is_file()
    assert "\nfiles          ./-Ann's [v2]*?" in done.output
    for command in (["resume", f"./{run}", "--num", 6, "--no-report"], ["show", f"./{run}"], ["runs", f"./{place}"]):
        check(cli(*command))
    check(cli("export", f"./{run}", "--to", "fills", f"--out={place}/f:1.csv"))
    assert (place / "f:1.csv").is_file()
    assert pl.read_parquet(place / "a:b/accepted.parquet", glob=False).height == 6


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("\udcff", "is not UTF-8"),
        ("", "the path is empty"),
        ("n" * 256, "cannot be used (File name too long)"),
        ("/".join(["n" * 200] * 30), "cannot be used (File name too long)"),
        ("/".join(["n" * 200] * 19), "is too long"),
    ],
)
def test_a_path_that_cannot_be_used_is_refused(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("generate", "offline", "--num", 2, "--out", name)
    assert (done.exit_code, said in done.output) == (2, True), done.output
    assert list(tmp_path.iterdir()) == []


def test_links_are_followed_and_one_that_leads_nowhere_is_refused(cli: Cli, tmp_path: Path, run_folder: Path) -> None:
    (tmp_path / "run").symlink_to(run_folder)
    check(cli("show", tmp_path / "run"))
    for target in ("nothing", "lost"):
        (tmp_path / "lost").unlink(missing_ok=True)
        (tmp_path / "lost").symlink_to(tmp_path / target)
        done = cli("generate", "offline", "--out", tmp_path / "lost")
        assert (done.exit_code, "is a link that leads nowhere" in done.output) == (2, True), done.output


def test_a_folder_that_is_gone_is_said(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = cli("runs")
    assert (done.exit_code, "the current folder is not there any more" in done.output) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_run_in_a_folder_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli, write_profile: WriteProfile, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    place = fill_place(Path(name))
    make_run(cli, write_odd_profile(place, write_profile), f"{place}/{name}")
    assert (place / name / "accepted.parquet").is_file()
    check(cli("resume", f"./{place}/{name}", "--num", 6, "--no-report"))


def list_odd_commands(profile: Path | str, at: str, row: str) -> dict[str, list[list[object]]]:
    """List every command that is given paths, on what lies in the folder `at`; those of a group follow each other."""
    made = ("vpa", "advisor", "strategy", "stock_report")
    return {
        **list_commands_on_files(at, row),
        "profile": [
            ["preview", profile, "--num", 2],
            ["generate", profile, "--estimate"],
            ["generate", profile, "--print-resolved-config"],
            ["validate", profile],
        ],
        "judge": [["judge", "calibrate", profile, "--rows", 1, "--out", f"{at}/j:1"]],
        "models": [["compare-models", profile, "--roles", "judge=a,b", "--num", 4, "--out", f"{at}/c:1"]],
        "dataset": [
            ["new", "dataset", "odd_set", "--root", f"{at}/n:1"],
            ["generate", f"{at}/n:1/odd_set_offline.yaml", "--num", 2, "--out", f"{at}/n:1/run", "--no-report"],
            ["validate", f"{at}/n:1/odd_set_offline.yaml"],
        ],
        "ask": [["ask", "advisor_offline", "Analyze BTCUSDT on 1m", "--log", f"{at}/a:1.jsonl"]],
        **{name: [["generate", f"{name}_offline", "--num", 2, "--out", f"{at}/{name}:1"]] for name in made},
    }


def list_commands_on_files(at: str, row: str) -> dict[str, list[list[object]]]:
    """List those on a run, and on files of gold and bars."""
    trades, bars, run = f"{at}/it's *:trades.csv", f"{at}/it's *:bars.parquet", f"{at}/r:1"
    return {
        "run": [
            ["resume", run, "--num", 6, "--no-report"],
            ["check", run],
            ["show", run],
            ["show", run, row],
            ["show", run, "--worst", "realism"],
            ["runs", at],
            ["export", run, "--to", "hf", "--out", f"{at}/h:1"],
            ["rejudge", run, "--set", "acceptance.realism=2", "--no-report"],
        ],
        "report": [
            ["verify", run],
            ["verify", "--synthetic", f"{run}/accepted.csv", "--gold", trades, "--out", f"{at}/v:1"],
        ],
        "drift": [["drift", trades, run, "--out", f"{at}/d:1"]],
        "bars": [
            ["indicators", f"{at}/few'*.csv", "--out", f"{at}/i:1.parquet"],
            ["indicators", f"{at}/few'*.parquet", "--out", f"{at}/i:1.csv"],
            ["vpa", f"{at}/few'*.parquet", "--out", f"{at}/v:1.parquet"],
            ["vpa", f"{at}/few'*.csv", "--out", f"{at}/v:1.jsonl"],
            ["strategy", "run", f"{at}/none:1.json", "--bars", bars],
            ["strategy", "eval", f"{at}/none:1.jsonl", "--test", f"{at}/none:2.jsonl"],
        ],
        "gold": [
            ["gold", "import", trades, "--bars", bars, "--out", f"{at}/g:1"],
            ["gold", "describe", f"{at}/g:1"],
            ["gold", "map", f"{at}/log'*.csv", "--out", f"{at}/m:1.yaml"],
            ["generate", "offline", "--gold", f"{at}/g:1", "--num", 4, "--out", f"{at}/r:2", "--no-report"],
            ["diff", run, f"{at}/r:2"],
        ],
        "init": [
            ["init", "--gold-trades", trades, "--gold-bars", bars, "--out", f"{at}/my:1.yaml"],
            ["preview", f"{at}/my:1.yaml", "--num", 1],
        ],
    }


@pytest.fixture(scope="module")
def odd_commands(
    tmp_path_factory: pytest.TempPathFactory, cli: Cli, write_profile: WriteProfile
) -> Iterator[dict[str, list[list[object]]]]:
    """Stand beside a folder of an odd name, in which there is a run; give the commands."""
    at = f"./{ODD}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("odd"))
        place = fill_place(Path(ODD))
        few = pl.read_parquet(SAMPLE / "bars.parquet").filter(ticker="SIM1").head(800)
        with (place / "few'*.parquet").open("wb") as parquet, (place / "few'*.csv").open("wb") as csv:
            few.write_parquet(parquet)
            few.write_csv(csv)
        (place / "log'*.csv").write_text("symbol,side,quantity,price,time\nSIM1,buy,1,5.05,2024-10-01 10:36:11\n")
        profile = write_odd_profile(place, write_profile)
        make_run(cli, profile, f"{at}/r:1")
        row = pl.read_parquet(place / "r:1/accepted.parquet", glob=False)["row_id"][0]
        yield list_odd_commands(profile, at, row)


@pytest.mark.slow
@pytest.mark.parametrize("group", list_odd_commands("", "", ""))
def test_every_command_works_below_an_odd_path(
    odd_commands: dict[str, list[list[object]]], cli: Cli, group: str
) -> None:
    for command in odd_commands[group]:
        codes = (2,) if "none:1" in str(command) else (0, 1) if command[0] == "ask" else (0,)
        check(cli(*command), codes)


def test_every_command_is_tried_below_an_odd_path() -> None:
    tried = {str(command[0]) for commands in list_odd_commands("", "", "").values() for command in commands}
    assert set(main.list_commands(None)) == tried | WITHOUT_PATHS | SERVERS  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_project_below_an_odd_path_works(tmp_path: Path) -> None:
    project = tmp_path / ODD / "project"
    left_out = shutil.ignore_patterns(".*", "tests", "docs", "runs", "*.egg-info")
    shutil.copytree(ROOT, project, ignore=left_out)
    environment = os.environ | {"PYTHONPATH": str(project)}
    for arguments in (["generate", "offline", "--num", "4"], ["validate"], ["runs"]):
        command = [sys.executable, "-m", "tradelogs", *arguments]
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (run,) = (project / "runs").iterdir()
    assert (run / "accepted.parquet").is_file()
