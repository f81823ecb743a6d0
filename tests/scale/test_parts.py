"""A job in parts: how it is split and put together again, and how what the workers wrote gets into the run's log."""

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from designer_configs.compile.check import check_environment
from designer_configs.compile.profile import EngineChoice, Profile, load_profile
from designer_configs.errors import ConfigError
from files.hashes import begin_hashes, find_damage, read_hashes
from jobs.cluster import (
    Part,
    PartResult,
    RayBackend,
    count_workers,
    merge_parts,
    open_cluster,
    share_requests,
    share_slots,
)
from jobs.errors import BackendError
from jobs.job import Job, LostRow
from jobs.library.structured import Forms
from refine_loop.cluster_workers import PartLogs, find_cap_file, find_log
from refine_loop.record.events import EventLog, read_events
from tests.conftest import Cli, change_profile

JOB = Job("001_generate", {}, 4)


def write_part(folder: Path, profile: Profile, number: int, ids: list[str]) -> Part:
    """Write a part's rows."""
    seeds = folder / f"seeds.p{number:04d}.parquet"
    pl.DataFrame({"row_id": ids}).write_parquet(seeds)
    config = {"seed_config": {"source": {"path": str(seeds)}}}
    return Part(JOB.name, number, 2 * number, len(ids), config, profile, None, folder)


@pytest.fixture
def parts(tmp_path: Path) -> list[Part]:
    profile = load_profile("offline", {"num": 10})
    return [write_part(tmp_path, profile, number, ids) for number, ids in enumerate((["a", "b"], ["c", "d"]))]


def give(*ids: str, lost: Mapping[int, LostRow] | None = None) -> PartResult:
    """Give rows, as a worker does."""
    return PartResult([{"row_id": row_id} for row_id in ids], dict(lost or {}))


def test_parts_are_put_together_in_the_order_of_the_plan(parts: list[Part]) -> None:
    why = LostRow("trade", "no JSON")
    result = merge_parts(JOB, parts, [give("b", "a"), give("d", lost={0: why})])
    assert [row["row_id"] for row in result.rows] == ["a", "b", "d"]
    assert result.lost == {2: why}


@pytest.mark.parametrize(("ids", "said"), [(("a", "a"), "gave 1 rows twice"), (("a", "c"), "not its own, such as c")])
def test_row_that_comes_twice_or_from_elsewhere_is_an_error(parts: list[Part], ids: tuple[str, ...], said: str) -> None:
    with pytest.raises(BackendError, match=f"part 0 of 001_generate .*{said}"):
        merge_parts(JOB, parts, [give(*ids), give("c", "d")])


@pytest.mark.parametrize(("cap", "workers", "at_once", "share"), [(64, 4, 4, 16), (10, 4, 4, 2), (3, 8, 3, 1)])
def test_workers_together_never_send_more_than_one_would(cap: int, workers: int, at_once: int, share: int) -> None:
    config = {"model_configs": [{"model": "m", "inference_parameters": {"max_parallel_requests": cap}}]}
    engine = EngineChoice("ray", workers=workers, part_rows=10)
    shared = share_requests(config, count_workers(engine, config))
    assert count_workers(engine, config) == at_once
    assert shared["model_configs"][0]["inference_parameters"]["max_parallel_requests"] == share
    assert share * at_once <= cap


def test_worker_has_its_share_of_the_slots_of_a_fallback_too(tmp_path: Path) -> None:
    fallback = {"model": "spare", "inference_parameters": {"max_parallel_requests": 2}}
    profile = load_profile(change_profile(tmp_path / "ray.yaml", {"models.judge.fallback": fallback}))
    judge = share_slots(profile, 4).models["judge"]
    most = profile.models["judge"].inference_parameters["max_parallel_requests"]
    assert judge.inference_parameters == {
        **profile.models["judge"].inference_parameters,
        "max_parallel_requests": most // 4,
    }
    assert judge.fallback is not None
    assert judge.fallback.inference_parameters["max_parallel_requests"] == 1


def test_job_is_always_split_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pl.DataFrame({"row_id": [str(i) for i in range(45)]}).write_parquet(tmp_path / "seeds.parquet")
    profile = load_profile(change_profile(tmp_path / "ray.yaml", {"engine": {"ray": {"workers": 2, "part_rows": 20}}}))
    backend: Any = RayBackend.__new__(RayBackend)
    vars(backend).update(_profile=profile, _endpoint=None, _folder=tmp_path, forms=Forms(profile, None))
    config = {"seed_config": {"source": {"path": str(tmp_path / "seeds.parquet")}}, "model_configs": []}
    first, second = (backend._split(Job("001_generate", config, 45)) for _ in range(2))
    assert first == second
    assert [(part.first, part.rows) for part in first] == [(0, 20), (20, 20), (40, 5)]
    assert pl.concat([pl.read_parquet(part.seeds) for part in first])["row_id"].to_list() == list(map(str, range(45)))


def write_request(log: EventLog, row_id: str) -> None:
    """Write a request as a worker's log has it."""
    names = {"job": "001_generate.p0000", "row_id": row_id, "column": "trade", "role": "generator", "model": "m"}
    more = {"number": 0, "seconds": 0.1, "prompt_tokens": 60, "completion_tokens": 40, "outcome": "answered"}
    log.write("request", **names, **more, error=None)


def test_each_line_of_a_worker_is_taken_over_once_whatever_is_cut(tmp_path: Path, parts: list[Part]) -> None:
    find_log(parts[0]).parent.mkdir(parents=True)
    with EventLog(find_log(parts[0]), lambda _: None) as worker, EventLog(tmp_path / "events.jsonl", print) as log:
        logs = PartLogs(parts[0].profile, tmp_path, log)
        logs.begin(parts)
        worker.start_job(parts[0].name, 2)
        for row_id in "ab":
            write_request(worker, row_id)
            logs.look(parts)
    with find_log(parts[0]).open("a") as file:
        file.write('{"event": "requ')  # the worker and the run died here
    with EventLog(find_log(parts[0]), lambda _: None) as worker, EventLog(tmp_path / "events.jsonl", print) as log:
        again = PartLogs(parts[0].profile, tmp_path, log)
        write_request(worker, "c")
        again.begin(parts)
        again.look(parts)
        assert log.tokens == 300
    events = read_events(tmp_path / "events.jsonl")
    assert [(e["job"], e["row_id"], e["part"], e["line"]) for e in events] == [
        ("001_generate", row_id, 0, line) for line, row_id in enumerate("abc", start=1)
    ]


def test_workers_are_told_of_a_cap(tmp_path: Path, parts: list[Part]) -> None:
    with EventLog(tmp_path / "events.jsonl", lambda _: None) as log:
        logs = PartLogs(load_profile("offline"), tmp_path, log)
        logs.begin(parts)
        logs.look(parts)
        assert not find_cap_file(parts[0]).exists()
        log._active_before = 1e6
        logs.look(parts)
        assert find_cap_file(parts[0]).read_text() == "max_minutes"
        logs.begin(parts)
        assert not find_cap_file(parts[0]).exists()


def test_files_of_workers_go_when_their_round_has_settled(tmp_path: Path, parts: list[Part]) -> None:
    find_log(parts[0]).parent.mkdir(parents=True)
    begin_hashes(tmp_path)
    name = find_log(parts[0]).relative_to(tmp_path).as_posix()
    with EventLog(find_log(parts[0]), lambda _: None, tmp_path) as worker:
        write_request(worker, "a")
    assert read_hashes(tmp_path)[name].size == find_log(parts[0]).stat().st_size
    with EventLog(tmp_path / "events.jsonl", lambda _: None) as log:
        logs = PartLogs(parts[0].profile, tmp_path, log)
        logs.drop_settled()
        assert find_log(parts[0]).exists()
        (find_log(parts[0]).parent / "settled.parquet").touch()
        logs.drop_settled()
        assert not find_log(parts[0]).exists()
    assert find_damage(tmp_path) == []


def test_without_ray_a_profile_that_wants_it_is_told_how_to_get_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    path = change_profile(tmp_path / "ray.yaml", {"engine": "ray"})
    assert len(check_environment(load_profile(path))) == 1
    result = cli("generate", path, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "engine: needs Ray, which is not installed: .venv/bin/pip install -e '.[ray]'" in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "localhost:{}", "ray://127.0.0.1:{}", "127.0.0.1:9{}"])
def test_head_that_nobody_answers_for_is_told_at_once(form: str) -> None:
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        address, started = form.format(bound.getsockname()[1]), time.monotonic()
        with pytest.raises(BackendError, match=f"no Ray cluster at {address}: .*; start its head") as caught:
            open_cluster(EngineChoice("ray", address=address)).__enter__()
    assert time.monotonic() - started < 10
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"engine": {"ray": {"address": "auto"}}}, "answers on this machine only, auto may lie beyond it"),
        ({"engine": "ray", "backend": {"microservices": {}}}, "use engine: local"),
        ({"engine": "spark"}, "engine"),
        ({"engine": {"ray": {"workers": 0}}}, "engine.ray.workers"),
        ({"observe": {"port": 80}}, "observe.port"),
    ],
)
def test_engine_that_cannot_be_is_told(tmp_path: Path, changes: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_profile(change_profile(tmp_path / "bad.yaml", changes))
