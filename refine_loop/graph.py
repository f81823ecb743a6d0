"""The graph of the loop.

START -> plan -> generate -> route -> refine (twice at the most) -> settle -> route -> plan (top up)
                               \\________________________________/      \\-> END
"""

from typing import Literal

from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from refine_loop.context import RunContext
from refine_loop.nodes import generate, plan, refine, settle
from refine_loop.state import LoopState


def route_after_judging(state: LoopState, runtime: Runtime[RunContext]) -> Literal["refine", "settle"]:
    """Mend what is still open while passes are left."""
    may_refine = state["stop_reason"] is None and state["refine_pass"] < runtime.context.refine_passes
    return "refine" if state["open"] and may_refine else "settle"


def route_after_settling(state: LoopState) -> Literal["plan", "__end__"]:
    """Top up with new candidates until there is a reason to stop."""
    return "plan" if state["stop_reason"] is None else "__end__"


builder = StateGraph(LoopState, context_schema=RunContext)
builder.add_node("plan", plan)
builder.add_node("generate", generate)
builder.add_node("refine", refine)
builder.add_node("settle", settle)
builder.add_edge(START, "plan")
builder.add_edge("plan", "generate")
builder.add_conditional_edges("generate", route_after_judging)
builder.add_conditional_edges("refine", route_after_judging)
builder.add_conditional_edges("settle", route_after_settling)

graph = builder.compile()
"""The loop without checkpoints, as LangGraph's own viewer opens it; a run compiles `builder` with its own."""
