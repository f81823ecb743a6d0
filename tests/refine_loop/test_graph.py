"""The graph's routes, and that it goes on at the node it was cut in."""

import copy
from typing import Any, cast

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from refine_loop.graph import builder, route_after_settling
from refine_loop.state import START_STATE, LoopState, StopReason

THREAD: RunnableConfig = {"configurable": {"thread_id": "t"}}


class Steps:
    """Nodes that note their names; each takes from a script what it changes in the state."""

    def __init__(self, refine_passes: int = 2, **script: list[dict[str, Any]]) -> None:
        self.refine_passes = refine_passes
        self.taken: list[str] = []
        self._script = script

    def _step(self, name: str, state: LoopState) -> LoopState:
        self.taken.append(name)
        changes = self._script.get(name, [])
        merged = {**state, **(changes.pop(0) if changes else {})}
        return cast("LoopState", merged)

    def plan(self, state: LoopState) -> LoopState:
        return self._step("plan", state)

    def generate(self, state: LoopState) -> LoopState:
        return self._step("generate", state)

    def refine(self, state: LoopState) -> LoopState:
        return self._step("refine", state)

    def settle(self, state: LoopState) -> LoopState:
        return self._step("settle", state)


def compile_graph(steps: Steps, saver: InMemorySaver) -> Any:
    """Compile the loop's own edges with other nodes."""
    graph: Any = copy.copy(builder)
    graph.nodes = {}
    for name in builder.nodes:
        graph.add_node(name, getattr(steps, name))
    return graph.compile(checkpointer=saver)


def run(steps: Steps) -> list[str]:
    compile_graph(steps, InMemorySaver()).invoke(START_STATE, THREAD, context=steps)
    return steps.taken


STOP = {"stop_reason": "accepted"}


def test_round_without_open_rows_is_settled_at_once() -> None:
    assert run(Steps(generate=[{"open": 0}], settle=[STOP])) == ["plan", "generate", "settle"]


def test_open_rows_are_refined_twice_at_most() -> None:
    steps = Steps(
        generate=[{"open": 2}], refine=[{"open": 2, "refine_pass": 1}, {"open": 2, "refine_pass": 2}], settle=[STOP]
    )
    assert run(steps) == ["plan", "generate", "refine", "refine", "settle"]


def test_second_pass_is_spared_when_nothing_is_open() -> None:
    steps = Steps(generate=[{"open": 2}], refine=[{"open": 0, "refine_pass": 1}], settle=[STOP])
    assert run(steps) == ["plan", "generate", "refine", "settle"]


def test_no_pass_is_made_where_none_is_wanted() -> None:
    assert run(Steps(0, generate=[{"open": 2}], settle=[STOP])) == ["plan", "generate", "settle"]


def test_cap_that_is_reached_goes_straight_to_the_end_of_the_round() -> None:
    steps = Steps(generate=[{"open": 2, "stop_reason": "max_tokens"}], settle=[STOP])
    assert run(steps) == ["plan", "generate", "settle"]


def test_round_without_a_reason_to_stop_is_followed_by_another() -> None:
    steps = Steps(generate=[{"open": 0}, {"open": 0}], settle=[{}, STOP])
    assert run(steps) == ["plan", "generate", "settle"] * 2


@pytest.mark.parametrize("reason", ["accepted", "max_candidates", "max_minutes", "max_tokens", "nothing accepted"])
def test_every_reason_ends_the_run(reason: StopReason) -> None:
    state: LoopState = {**START_STATE, "stop_reason": reason}
    assert route_after_settling(state) == "__end__"


def test_graph_goes_on_at_the_node_it_was_cut_in(monkeypatch: pytest.MonkeyPatch) -> None:
    saver = InMemorySaver()
    cut = Steps(generate=[{"open": 1}])
    monkeypatch.setattr(cut, "refine", lambda state: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        for _ in compile_graph(cut, saver).stream(START_STATE, THREAD, context=cut, durability="sync"):
            pass
    steps = Steps(refine=[{"open": 0, "refine_pass": 1}], settle=[STOP])
    compile_graph(steps, saver).invoke(None, THREAD, context=steps)
    assert steps.taken == ["refine", "settle"]
