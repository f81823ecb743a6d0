"""A run's folder that is damaged: what is named, what is made anew, and that nobody goes on with other inputs."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from files.hashes import HASHES
from jobs.job import Job, JobInterrupted, JobResult
from jobs.library.backend import LibraryBackend
from refine_loop.record.damage import check_run, mend_run

Cli = Callable[..., Result]
Harm = Callable[[bytes], bytes | None]

HARMS: dict[str, Harm] = {
    "cut": lambda content: content[: len(content) * 2 // 3],
    "garbage": lambda content: content[: len(content) // 2] + b"\xff\x00garbage" + content[len(content) // 2 + 9 :],
    "emptied": lambda _: b"",
    "deleted": lambda _: None,
}
UNHELD = ("artifacts", "jobs", "run.lock", "data_designer.log", "exports", "seeds_")  # of which nothing is recorded
REPORT = ("metrics.json", "report.html")
COUNTS = ("requests", "prompt_tokens", "completion_tokens")


@pytest.fixture(scope="module")
def half(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a run of 8 that was stopped as its rows were to be refined."""
    folder, stock = tmp_path_factory.mktemp("half") / "run", LibraryBackend.run

    def run(self: LibraryBackend, job: Job) -> JobResult:
        if job.name == "001_refine_1":
            raise JobInterrupted([])
        return stock(self, job)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LibraryBackend, "run", run)
        assert cli("generate", "offline", "--num", 8, "--out", folder).exit_code == 3
    return folder


@pytest.fixture(scope="module")
def whole(cli: Cli, half: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the same run, gone on with to its end."""
    folder = Path(shutil.copytree(half, tmp_path_factory.mktemp("whole") / "run"))
    assert cli("resume", folder).exit_code == 0
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[Path], Path]:
    return lambda folder: Path(shutil.copytree(folder, tmp_path / "run"))


def harm(path: Path, how: str) -> None:
    content = HARMS[how](path.read_bytes())
    path.unlink() if content is None else path.write_bytes(content)


def read_all(folder: Path) -> dict[str, bytes]:
    """Read what a command that refuses may not change; SQLite's own files and the lock are others at every look."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(("run.lock", "check")))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def check_same_rows(folder: Path, whole: Path) -> None:
    for name in ("accepted.parquet", "bars.parquet", "rejected.parquet"):
        assert pl.read_parquet(folder / name).equals(pl.read_parquet(whole / name)), name
    ledgers = [pl.read_parquet(place / "ledger.parquet").drop(COUNTS) for place in (folder, whole)]
    assert ledgers[0].equals(ledgers[1])


def check_nothing_was_sent_twice(folder: Path) -> None:
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    asked = [
        (e["job"], e["row_id"], e["column"], e["number"]) for e in events if e["event"] == "request" and e["row_id"]
    ]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("gold/bars.parquet", "deleted"),
        ("gold/train.parquet", "garbage"),
        ("provenance.json", "cut"),
        ("rounds/001/plan.parquet", "garbage"),
        ("rounds/001/pass_0.parquet", "cut"),
        ("events.jsonl", "emptied"),
    ],
)
def test_damage_to_what_was_given_or_paid_for_is_named_and_stops(
    cli: Cli, half: Path, copy: Callable[[Path], Path], name: str, how: str
) -> None:
    folder = copy(half)
    harm(folder / name, how)
    before = read_all(folder)
    for command, code in (("resume", 2), ("verify", 2), ("check", 1)):
        said = cli(command, folder)
        assert said.exit_code == code, said.output
        assert f"  {name} " in said.output
        assert "from a copy" in said.output
        assert "elete" not in said.output
    assert read_all(folder) == before


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("ledger.parquet", "garbage"),
        ("profile.yaml", "cut"),
        pytest.param("profile.yaml", "deleted", marks=pytest.mark.slow),
        pytest.param("accepted.csv", "emptied", marks=pytest.mark.slow),
    ],
)
def test_damage_to_what_follows_is_made_anew(
    cli: Cli, whole: Path, copy: Callable[[Path], Path], name: str, how: str
) -> None:
    folder = copy(whole)
    harm(folder / name, how)
    found = cli("check", folder)
    assert (found.exit_code, f"made anew by tradelogs resume {folder}" in found.output) == (1, True), found.output
    said = cli("resume", folder)
    assert said.exit_code == 0, said.output
    assert name in said.stderr
    assert (folder / name).read_bytes() == (whole / name).read_bytes()
    check_same_rows(folder, whole)
    assert cli("check", folder).exit_code == 0


def test_profile_that_is_a_pipe_is_not_waited_for(half: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(half)
    (folder / "profile.yaml").unlink()
    os.mkfifo(folder / "profile.yaml")
    assert [(harm.file, harm.maker) for harm in check_run(folder).harms] == [("profile.yaml", "resume")]


@pytest.mark.parametrize(
    "how", ["deleted", "older", *(pytest.param(how, marks=pytest.mark.slow) for how in ("emptied", "cut"))]
)
def test_checkpoints_that_are_lost_are_told_from_the_rounds(
    cli: Cli, half: Path, whole: Path, copy: Callable[[Path], Path], how: str
) -> None:
    folder = copy(whole if how == "older" else half)
    if how == "older":
        shutil.copy(half / "checkpoints.sqlite", folder / "checkpoints.sqlite")
    else:
        harm(folder / "checkpoints.sqlite", how)
    assert "checkpoints.sqlite is" in cli("check", folder).output
    said = cli("resume", folder)
    assert said.exit_code == 0, said.output
    assert "the rounds say how far the run is" in said.stderr
    check_same_rows(folder, whole)
    check_nothing_was_sent_twice(folder)


@pytest.mark.parametrize("line", ['{"event": "request"}', '{"event": 7}', "[]", '{"at": 1}', "7", "\x00"])
def test_event_of_the_wrong_shape_is_named_with_its_line(
    cli: Cli, half: Path, copy: Callable[[Path], Path], line: str
) -> None:
    folder = copy(half)
    lines = (folder / "events.jsonl").read_text()
    (folder / "events.jsonl").write_text(f"{lines}{line}\n")
    said = cli("resume", folder)
    assert said.exit_code == 2
    assert f"events.jsonl has a line that nobody here wrote, line {lines.count(chr(10)) + 1}" in said.output


@pytest.mark.parametrize("line", ['{"row_id": "a"}', '{"answer": {"content": 7}}', "[]", "\x00"])
def test_answer_of_the_wrong_shape_is_named_and_no_row_is_failed_for_it(
    cli: Cli, half: Path, copy: Callable[[Path], Path], line: str
) -> None:
    folder = copy(half)
    with (folder / "rounds/001/answers_refine_1.jsonl").open("a") as file:
        file.write(f"{line}\n")
    said = cli("resume", folder)
    assert (said.exit_code, "answers_refine_1.jsonl has a line" in said.output) == (2, True), said.output


def test_answers_that_have_served_are_not_missed(
    cli: Cli, half: Path, whole: Path, copy: Callable[[Path], Path]
) -> None:
    folder = copy(half)
    harm(folder / "rounds/001/answers_generate.jsonl", "garbage")
    assert cli("resume", folder).exit_code == 0
    check_same_rows(folder, whole)
    check_nothing_was_sent_twice(folder)


def test_answers_that_have_served_and_are_gone_are_not_missed_again(half: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(half)
    harm(folder / "rounds/001/answers_generate.jsonl", "deleted")
    assert mend_run(folder) == ["rounds/001/answers_generate.jsonl is missing, and is made anew"]
    assert check_run(folder).harms == []


def test_hashes_that_end_in_the_middle_of_a_line_are_said(half: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(half)
    with (folder / HASHES).open("ab") as file:
        file.write(b'{"file": "ledger')
    assert [note.partition(":")[0] for note in check_run(folder).notes] == [f"{HASHES} ends in the middle of a line"]


@pytest.mark.parametrize(
    "how", ["garbage", *(pytest.param(how, marks=pytest.mark.slow) for how in ("deleted", "emptied", "cut"))]
)
def test_lost_hashes_are_said_and_recorded_anew(
    cli: Cli, half: Path, whole: Path, copy: Callable[[Path], Path], how: str
) -> None:
    folder = copy(half)
    harm(folder / HASHES, how)
    said = cli("resume", folder)
    assert said.exit_code == 0, said.output
    assert how == "cut" or f"{HASHES} " in said.stderr
    check_same_rows(folder, whole)
    assert cli("check", folder).exit_code == 0


@pytest.mark.parametrize(
    "command", [("export", "--to", "chat"), ("show",), ("rejudge",), ("review", "--results"), ("diff",)]
)
def test_whoever_reads_a_run_holds_it_first(
    cli: Cli, whole: Path, copy: Callable[[Path], Path], command: tuple[str, ...]
) -> None:
    folder = copy(whole)
    harm(folder / "accepted.parquet", "garbage")
    said = cli(command[0], folder, *([whole] if command[0] == "diff" else []), *command[1:])
    assert said.exit_code == 2
    assert f"accepted.parquet is not what was written: made anew by tradelogs resume {folder}" in said.output


def list_held(folder: Path) -> Iterator[str]:
    """List the files of a run that matter to somebody: all but those of which nothing is recorded."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not any(part.startswith(UNHELD) for part in name.split("/")):
            yield name


@pytest.mark.slow
@pytest.mark.parametrize("how", HARMS)
@pytest.mark.parametrize("which", ["half", "whole"])
def test_every_file_of_a_run_is_held(cli: Cli, half: Path, whole: Path, tmp_path: Path, which: str, how: str) -> None:
    folder = {"half": half, "whole": whole}[which]
    if which == "whole":
        assert cli("verify", folder).exit_code == 0
    for name in list_held(folder):
        attack(cli, folder, whole, tmp_path / "run", name, how)


def attack(cli: Cli, folder: Path, whole: Path, place: Path, name: str, how: str) -> None:
    """Harm one file of a run, and look at what each command makes of it."""
    for command in ("check", "verify", "resume"):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place)
        harm(place / name, how)
        before, said = read_all(place), cli(command, place)
        told = f"{name} {how} {command}: {said.output}"
        assert said.exception is None or isinstance(said.exception, SystemExit), told
        assert "elete" not in said.output, told
        if said.exit_code == 0:
            if command == "resume":
                check_same_rows(place, whole)
                check_nothing_was_sent_twice(place)
                assert not [harm for harm in check_run(place).harms if harm.maker != "verify"], told
            elif command == "check":  # SQLite has pages that nobody reads; what is read is held against the rounds
                assert name.startswith((HASHES, "checkpoints")), told
        else:
            assert Path(name).name in said.output or name.startswith("checkpoints"), told
            assert said.exit_code == (1 if command == "check" else 2), told
            assert command == "check" or read_all(place) == before, told
