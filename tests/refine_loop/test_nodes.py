"""The loop on a scripted backend: what it asks for, when it stops, and how each candidate ends."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from designer_configs.compile.native import CompiledProfile
from designer_configs.compile.profile import Profile
from jobs.job import JobInterrupted
from refine_loop.context import RunContext
from refine_loop.graph import builder
from refine_loop.nodes import find_constraint, order_columns
from refine_loop.record.events import EventLog, read_events
from refine_loop.rounds import Rounds
from refine_loop.state import START_STATE, LoopState

THREAD: RunnableConfig = {"configurable": {"thread_id": "t"}, "recursion_limit": 10_000}
Decide = Callable[[int, int], str]


@dataclass
class Loop:
    """A loop that ran: its last state, its backend (`jobs`, `seeds`) and its rounds."""

    state: LoopState
    backend: Any
    rounds: Rounds
    folder: Path

    @property
    def sizes(self) -> dict[str, int]:
        return {job.name: job.num_records for job in self.backend.jobs}

    @property
    def settled(self) -> pl.DataFrame:
        return pl.concat([frame for _, frame in self.rounds.iter_ended()])


RunLoop = Callable[..., Loop]


@pytest.fixture
def run_loop(
    offline: Profile, compiled: CompiledProfile, log: EventLog, scripted: Callable[[Decide], Any], tmp_path: Path
) -> RunLoop:
    def run(decide: Decide, folder: Path = tmp_path, **limits: Any) -> Loop:
        profile = replace(offline, run=replace(offline.run, **{"accepted": 10, "max_candidates": 100, **limits}))
        backend = scripted(decide)
        context = RunContext(profile, compiled, backend, folder, log)
        state: Any = builder.compile(checkpointer=InMemorySaver()).invoke(START_STATE, THREAD, context=context)
        return Loop(state, backend, context.rounds, folder)

    return run


def test_columns_of_a_plan_stand_as_they_were_declared() -> None:
    row = {"row_of_another": 1, "a__ids": 2, "c": 3, "a": 4, "b": 5}
    assert list(order_columns(row, ["b", "a", "c"])) == ["b", "a", "a__ids", "c", "row_of_another"]
    assert order_columns(row, ["b"]) == row


def test_loop_without_a_fault_takes_one_plan_and_one_job(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "accept")
    assert loop.sizes == {"001_plan": 10, "001_generate": 10}
    assert (loop.state["stop_reason"], loop.state["accepted"], loop.state["planned"]) == ("accepted", 10, 10)


def test_round_tops_up_what_is_missing_by_the_acceptance_so_far(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "lose" if row in (2, 5, 9, 12) else "accept")
    assert loop.sizes == {"001_plan": 10, "001_generate": 10, "002_plan": 5, "002_generate": 5}  # 3 missing, 7 of 10
    assert dict(loop.settled["status"].value_counts().rows()) == {"accepted": 10, "failed": 4, "rejected": 1}
    assert (loop.state["stop_reason"], loop.state["accepted"]) == ("accepted", 10)


def test_rows_beyond_what_was_asked_are_the_last_of_the_plan(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "lose" if row in (2, 5, 9, 12) else "accept")
    last = loop.settled.row(-1, named=True)
    assert (last["status"], last["reason"]) == ("rejected", "not needed, enough was accepted")
    assert loop.settled["status"].to_list()[10:] == ["accepted", "failed", "accepted", "accepted", "rejected"]


def test_rows_that_are_not_needed_are_not_refined(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: {2: "lose", 5: "lose", 9: "lose", 12: "criticise"}.get(row, "accept"))
    assert not [name for name in loop.sizes if "refine" in name]
    assert loop.settled.row(11, named=True)["reason"].endswith("(not needed, enough was accepted)")


def test_refine_pass_takes_the_open_rows_alone(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "criticise" if row in (3, 7) and refine_pass == 0 else "accept")
    assert loop.sizes["001_refine_1"] == 2
    assert [row["variation"] for row in loop.backend.seeds[1]] == [3, 7]
    assert "001_refine_2" not in loop.sizes


def test_refiner_is_given_the_trade_the_critique_and_the_same_examples(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "break" if row == 3 and refine_pass == 0 else "accept")
    (row,) = loop.backend.seeds[1]
    assert row["critique"] == "- [exit_sign] exit_price is wrong"
    assert row["criticised_fields"] == "exit_price"
    assert '"entry_price": 103.0' in row["prev_trade"]
    assert row["gold_examples__ids"] == ["gold-0001", "gold-0002", "gold-0003"]


def test_row_is_rejected_after_two_passes(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "criticise" if row == 3 else "accept")
    (lost,) = loop.settled.filter(pl.col("status") != "accepted").to_dicts()
    assert "001_refine_2" in loop.sizes
    assert "001_refine_3" not in loop.sizes
    assert (lost["status"], lost["retry_count"], len(lost["critiques"])) == ("rejected", 2, 3)
    assert lost["reason"] == "[realism 2/5, at least 4 wanted] exit_price is far off (after 2 refine passes)"


def test_no_refine_pass_is_made_where_none_is_wanted(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "criticise" if row == 3 else "accept", refine_passes=0)
    assert not [name for name in loop.sizes if "refine" in name]
    assert loop.settled.filter(pl.col("status") == "rejected")["reason"].to_list() == [
        "[realism 2/5, at least 4 wanted] exit_price is far off (after 0 refine passes)"
    ]


def test_row_lost_to_the_refiner_is_failed_not_rejected(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: ("criticise", "lose")[refine_pass] if row == 3 else "accept")
    (lost,) = loop.settled.filter(pl.col("status") != "accepted").to_dicts()
    assert (lost["status"], lost["reason"], lost["failed_column"]) == ("failed", "no JSON", "trade")
    assert (lost["retry_count"], len(lost["critiques"])) == (1, 1)


def test_copies_of_an_accepted_row_are_not_accepted_in_any_round(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "copy" if row in (1, 4, 11) else "accept")
    ended = {row["row_id"]: row for row in loop.settled.to_dicts()}
    first, *copies = [row for row in ended.values() if '"entry_price": 50.0' in row["generated_row"]]
    assert (first["status"], [row["status"] for row in copies]) == ("accepted", ["rejected", "rejected"])
    assert all(first["row_id"] in row["reason"] for row in copies)
    assert loop.state["accepted"] == 10


def test_cap_on_candidates_stops_the_loop(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "lose" if row % 2 else "accept", max_candidates=13)
    assert [size for name, size in loop.sizes.items() if "plan" in name] == [10, 3]
    assert (loop.state["stop_reason"], loop.state["planned"]) == ("max_candidates", 13)
    assert loop.settled.height == 13


def test_cap_on_tokens_stops_before_the_next_job(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "criticise", max_tokens=1000)
    assert loop.sizes == {"001_plan": 10, "001_generate": 10}
    assert loop.state["stop_reason"] == "max_tokens"
    assert set(loop.settled["status"]) == {"failed"}
    assert set(loop.settled["reason"]) == {"not finished: the cap run.max_tokens was reached"}
    assert loop.settled["judge_critique"].str.starts_with("- [realism 2/5, at least 4 wanted]").all()


def test_row_that_had_all_its_passes_when_a_cap_was_reached_is_rejected(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "criticise", max_tokens=2500)  # 10 rows at 100 a pass
    assert [name for name in loop.sizes if "refine" in name] == ["001_refine_1", "001_refine_2"]
    assert loop.state["stop_reason"] == "max_tokens"
    assert set(loop.settled["status"]) == {"rejected"}
    assert all(reason.endswith("(after 2 refine passes)") for reason in loop.settled["reason"])


def test_cap_on_time_stops_before_the_next_job(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "criticise", max_minutes=1e-9)
    assert loop.sizes == {"001_plan": 10, "001_generate": 10}
    assert loop.state["stop_reason"] == "max_minutes"


def test_promise_that_is_kept_with_the_last_token_is_kept(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "accept", max_tokens=1000)
    assert loop.state["stop_reason"] == "accepted"


def test_three_rounds_without_an_accepted_row_stop_the_loop(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "lose")
    assert (loop.state["stop_reason"], loop.state["round"]) == ("nothing accepted", 3)
    assert loop.settled.height == 30


def test_fruitless_rounds_are_counted_in_a_row(run_loop: RunLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refine_loop.budget.LONGEST_ROUND", 10)
    loop = run_loop(lambda row, refine_pass: "accept" if row in (21, 40) else "lose", accepted=10, max_candidates=500)
    assert loop.state["stop_reason"] == "nothing accepted"
    assert loop.settled.filter(pl.col("status") == "accepted")["round"].to_list() == [3, 4]
    assert loop.state["round"] == 7


def test_round_is_no_larger_than_what_memory_should_hold(run_loop: RunLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_ROUND", "LONGEST_ROUND"):
        monkeypatch.setattr(f"refine_loop.budget.{name}", 4)
    loop = run_loop(lambda row, refine_pass: "accept")
    assert [size for name, size in loop.sizes.items() if "plan" in name] == [4, 4, 2]


def test_row_ids_come_from_seed_round_and_place(run_loop: RunLoop, tmp_path: Path) -> None:
    one, same, other = (
        run_loop(lambda row, refine_pass: "accept", tmp_path / name, seed=seed).settled["row_id"].to_list()
        for name, seed in (("one", 7), ("same", 7), ("other", 8))
    )
    assert one == same
    assert set(one).isdisjoint(other)


def test_plans_of_a_run_have_seeds_of_their_own(run_loop: RunLoop) -> None:
    loop = run_loop(lambda row, refine_pass: "lose" if row < 5 else "accept")
    seeds = [job.seed for job in loop.backend.jobs if "plan" in job.name]
    assert len(set(seeds)) == len(seeds) == 2


def test_jobs_are_written_as_they_were_sent(run_loop: RunLoop, tmp_path: Path) -> None:
    loop = run_loop(lambda row, refine_pass: "accept")
    sent = yaml.safe_load((tmp_path / "jobs/001_generate.yaml").read_text())
    assert sent == loop.backend.jobs[1].config


def test_events_tell_of_every_job_and_round(run_loop: RunLoop, tmp_path: Path) -> None:
    run_loop(lambda row, refine_pass: "lose" if row == 2 else "accept")
    events = read_events(tmp_path / "events.jsonl")
    finished = [(e["job"], e["rows"], e["returned"]) for e in events if e["event"] == "job_finished"]
    assert finished[:2] == [("001_plan", 10, 10), ("001_generate", 10, 9)]
    assert [e["round"] for e in events if e["event"] == "round_settled"] == [1, 2]


def test_job_that_is_stopped_keeps_the_rows_it_had_finished(
    run_loop: RunLoop,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    scripted: Callable[[Decide], Any],
    offline: Profile,
) -> None:
    backend = scripted(lambda row, refine_pass: "accept")
    stock = type(backend).run

    def stop_at_half(self: Any, job: Any) -> Any:
        result = stock(self, job)
        if job.name == "001_generate":
            raise JobInterrupted(result.rows[:4])
        return result

    monkeypatch.setattr(type(backend), "run", stop_at_half)
    with pytest.raises(KeyboardInterrupt):
        run_loop(lambda row, refine_pass: "accept")
    ((_, ended),) = Rounds(tmp_path / "rounds", offline.dataset).iter_ended()
    assert ended["status"].to_list() == ["accepted"] * 4
    assert read_events(tmp_path / "events.jsonl")[-1]["event"] == "job_stopped"


def test_constraint_is_the_control_that_matches_its_field(
    offline: Profile, compiled: CompiledProfile, scripted: Callable[[Decide], Any], log: EventLog, tmp_path: Path
) -> None:
    context = RunContext(offline, compiled, scripted(lambda row, refine_pass: "accept"), tmp_path, log)
    assert find_constraint(compiled, context) == "target_volatility"
    assert find_constraint(replace(compiled, controls=[]), context) is None


FATES = st.sampled_from(["accept", "accept", "criticise", "break", "lose", "copy"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fates=st.lists(FATES, min_size=3, max_size=30),
    accepted=st.integers(1, 12),
    spare=st.integers(0, 12),
    refine_passes=st.integers(0, 2),
)
def test_whatever_becomes_of_the_rows_the_ledger_adds_up(
    run_loop: RunLoop,
    tmp_path_factory: pytest.TempPathFactory,
    fates: list[str],
    accepted: int,
    spare: int,
    refine_passes: int,
) -> None:
    loop = run_loop(
        lambda row, refine_pass: fates[(row * 7 + refine_pass * 3) % len(fates)],
        tmp_path_factory.mktemp("loop"),
        accepted=accepted,
        max_candidates=accepted + spare,
        refine_passes=refine_passes,
    )
    counts = {"accepted": 0, **dict(loop.settled["status"].value_counts().rows())}
    planned = sum(size for name, size in loop.sizes.items() if "plan" in name)
    assert sum(counts.values()) == planned == loop.state["planned"] <= accepted + spare
    assert loop.settled["row_id"].is_unique().all()
    assert counts["accepted"] == loop.state["accepted"] <= accepted
    assert (counts["accepted"] == accepted) == (loop.state["stop_reason"] == "accepted")
    assert set(counts) <= {"accepted", "rejected", "failed"}
    assert (loop.settled["retry_count"] <= refine_passes).all()
    assert loop.settled.filter(pl.col("status") != "accepted")["reason"].null_count() == 0
