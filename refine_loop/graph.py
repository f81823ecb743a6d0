"""The graph of the loop.

START -> plan -> generate -> route -> refine (twice at the most) -> settle -> route -> plan (top up)
                               \\________________________________/      \\-> END
"""

from collections.abc import Callable
from typing import Literal, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from refine_loop.state import LoopState

Node = Callable[[LoopState], LoopState]


class LoopNodes(Protocol):
    """What the graph runs and asks."""

    refine_passes: int

    def plan(self, state: LoopState) -> LoopState:
        """Draw the next round's rows: samplers and grounding seeds, no model."""

    def generate(self, state: LoopState) -> LoopState:
        """Generate, check and judge the planned rows."""

    def refine(self, state: LoopState) -> LoopState:
        """Refine, check and judge the rows that are still open."""

    def settle(self, state: LoopState) -> LoopState:
        """End the round: reject what is still open, and say whether the run is over."""


def build_graph(
    nodes: LoopNodes, checkpointer: BaseCheckpointSaver[str]
) -> CompiledStateGraph[LoopState, None, LoopState, LoopState]:
    """Compile the loop; it resumes at the node it was cut in."""

    def route_after_judging(state: LoopState) -> Literal["refine", "settle"]:
        may_refine = state["stop_reason"] is None and state["refine_pass"] < nodes.refine_passes
        return "refine" if state["open"] and may_refine else "settle"

    graph = StateGraph(LoopState)
    graph.add_node("plan", nodes.plan)
    graph.add_node("generate", nodes.generate)
    graph.add_node("refine", nodes.refine)
    graph.add_node("settle", nodes.settle)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "generate")
    graph.add_conditional_edges("generate", route_after_judging)
    graph.add_conditional_edges("refine", route_after_judging)
    graph.add_conditional_edges("settle", route_after_settling)
    return graph.compile(checkpointer=checkpointer)


def route_after_settling(state: LoopState) -> Literal["plan", "__end__"]:
    """Top up with new candidates until there is a reason to stop."""
    return "plan" if state["stop_reason"] is None else "__end__"
