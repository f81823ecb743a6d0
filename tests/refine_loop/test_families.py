"""Families in a plan: what their rows share, how the short ones are topped up, and that controls keep their shares."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from langgraph.runtime import Runtime

from columns.declared import Families
from designer_configs.compile.controls import Control
from designer_configs.compile.native import CompiledProfile
from designer_configs.compile.profile import Profile
from jobs.job import Job, JobResult
from refine_loop.context import RunContext
from refine_loop.families import DRAWN_FOR_ONE, choose_rows, find_short, join_families, share_rows
from refine_loop.nodes import plan
from refine_loop.record.events import EventLog
from refine_loop.state import START_STATE

FAMILIES = Families("many", ("topic", "origin", "drawn"), {"origin": "sampled"})
TOPIC = Control({"name": "topic", "sampler_type": "category", "params": {"values": ["a", "b"]}}, "", None, None)


def make_row(name: str, topic: str = "a", style: str = "terse", origin: str = "sampled") -> dict[str, Any]:
    return {"row_id": name, "topic": topic, "style": style, "origin": origin}


def join(rows: list[dict[str, Any]], size: int = 2, short: dict[str, int] | None = None) -> list[dict[str, Any]]:
    return join_families(rows, FAMILIES, size, short or {}, [TOPIC])


def test_a_family_shares_what_is_declared_and_nothing_else() -> None:
    first, second = join([make_row("1", "b", "terse"), make_row("2", "a", "chatty")])
    assert first == make_row("1", "b", "terse") | {"family_id": "1"}
    assert second == make_row("2", "b", "chatty") | {"family_id": "1"}


def test_rows_are_joined_by_size_and_the_last_family_may_be_short() -> None:
    joined = join([make_row(str(place)) for place in range(5)])
    assert [row["family_id"] for row in joined] == ["0", "0", "2", "2", "4"]


def test_rows_that_a_model_makes_anew_are_families_by_themselves() -> None:
    joined = join([make_row("1", "b", origin="model"), make_row("2", "a")])
    assert [(row["family_id"], row["topic"], row["origin"]) for row in joined] == [
        ("1", "b", "model"),
        ("2", "b", "model"),
    ]


def test_short_families_come_first_with_what_their_first_row_had() -> None:
    joined = join([make_row(str(place), style=f"s{place}") for place in range(4)], short={"f": 1, "g": 1})
    assert [row["family_id"] for row in joined] == ["f", "g", "2", "2"]
    known = {"f": make_row("f", "b") | {"drawn": "it"}}
    shared = list(share_rows(joined, FAMILIES, known))
    assert shared[0] == make_row("0", "b", "s0") | {"family_id": "f"}
    computed = [row | {"drawn": "anew"} for row in shared]
    assert next(share_rows(computed, FAMILIES, known))["drawn"] == "it"


def test_what_is_computed_is_the_first_row_s_of_each_family() -> None:
    rows = [
        make_row(name) | {"family_id": family, "drawn": name} for name, family in (("1", "1"), ("2", "1"), ("3", "3"))
    ]
    assert [row["drawn"] for row in share_rows(rows, FAMILIES, {})] == ["1", "1", "3"]


def test_a_family_is_topped_up_once_and_only_where_it_brought_a_row() -> None:
    plan = [make_row(name) | {"family_id": family} for name, family in (("1", "1"), ("2", "1"), ("3", "3"), ("4", "0"))]
    plan.append(make_row("5", origin="model") | {"family_id": "5"})
    ended = [{"family_id": row["family_id"], "status": "accepted"} for row in plan if row["row_id"] in "145"]
    assert find_short(plan, ended, FAMILIES, 3) == {"1": 2}


@pytest.mark.parametrize("size", [2, 3, 5])
def test_controls_keep_their_shares_though_families_are_few(size: int) -> None:
    rng, values, weights = random.Random(1), list("abcdefghijk"), [24, 12, 11, 10, 10, 5, 5, 4, 1, 6, 12]
    column = {"name": "topic", "sampler_type": "category", "params": {"values": values, "weights": weights}}
    rows = [make_row(str(place), rng.choices(values, weights)[0]) for place in range(600)]
    joined = join_families(rows, FAMILIES, size, {}, [Control(column, "", None, None)])
    counts = Counter(row["topic"] for row in joined)
    moved = sum(abs(counts[value] / 600 - weight / 100) for value, weight in zip(values, weights, strict=True)) / 2
    assert moved < 0.03


def test_rows_are_chosen_so_that_with_those_before_controls_have_their_shares() -> None:
    rng = random.Random(2)
    pool = [make_row(str(place), rng.choice("ab")) | {"names": []} for place in range(20 * DRAWN_FOR_ONE)]
    known = [make_row(str(place), "a") for place in range(6)]
    chosen = choose_rows(pool, [TOPIC], known)
    assert [pool.index(row) // DRAWN_FOR_ONE for row in chosen] == list(range(20))
    assert [row["topic"] for row in chosen[:3]] == ["b"] * 3
    assert Counter(row["topic"] for row in [*known, *chosen]) == {"a": 13, "b": 13}


class Drawing:
    """A backend of plans: topics in turn, and beside each row the job's name and the place as what is computed."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def check_models(self, config: dict[str, Any]) -> None:
        """Find every model well."""

    def run(self, job: Job) -> JobResult:
        """Draw rows, or compute what is beside given ones."""
        self.jobs.append(job)
        if "seed_config" not in job.config:
            return JobResult([{"topic": "ab"[place % 2], "origin": "sampled"} for place in range(job.num_records)])
        given = pl.read_parquet(job.config["seed_config"]["source"]["path"]).to_dicts()
        return JobResult([row | {"drawn": f"{job.name}:{place}"} for place, row in enumerate(given)])


def test_a_round_tops_up_the_families_of_the_one_before(
    offline: Profile, compiled: CompiledProfile, log: EventLog, tmp_path: Path
) -> None:
    families = {"size": "many", "shared": list(FAMILIES.shared), "where": dict(FAMILIES.where)}
    dataset = replace(offline.dataset, document={**offline.dataset.document, "families": families})
    columns = [{"name": "topic", "column_type": "sampler"}, {"name": "drawn", "column_type": "computed"}]
    run = replace(offline.run, accepted=4)
    profile = replace(offline, dataset=dataset, options={"many": 2}, run=run)
    drawing = Drawing()
    jobs = replace(compiled, plan={"columns": columns}, controls=[])
    context = RunContext(profile, jobs, drawing, tmp_path, log)
    state = plan(START_STATE, Runtime(context=context))
    first = context.rounds.read_plan(1)
    assert [row["drawn"] for row in first] == ["001_families:0"] * 2 + ["001_families:2"] * 2
    statuses = zip(first, ["accepted"] * 3 + ["rejected"], strict=True)
    ended = [{name: row[name] for name in ("row_id", "family_id")} | {"status": status} for row, status in statuses]
    context.rounds.write_settled(1, ended)
    plan(state | {"accepted": 3}, Runtime(context=context))
    second = context.rounds.read_plan(2)
    assert (second[0]["family_id"], second[0]["drawn"]) == (first[2]["row_id"], "001_families:2")
    assert [job.name for job in drawing.jobs] == ["001_plan", "001_families", "002_plan", "002_families"]
    assert list(second[0])[:2] == ["row_id", "family_id"]
