"""What the service replies, as docs/openapi.json says it."""

from typing import Any

from pydantic import BaseModel, Field


class Refusal(BaseModel):
    """Why a request is refused, in one sentence."""

    error: str


class Asked(BaseModel):
    """What a run was asked for; nothing of one that the command line made."""

    profile: str | None
    num: int | None
    seed: int | None
    gold: str | None


class Run(BaseModel):
    """A run: state, exit code, counts so far, files."""

    id: str
    state: str
    exit_code: int | None
    asked: Asked
    submitted: float | None = Field(description="Seconds since 1970.")
    message: str = Field(description="What a run that failed or was refused said last.")
    counts: dict[str, Any]
    files: list[str]


class Submitted(Run):
    """A run that is booked; `new` is false where its Idempotency-Key was known."""

    new: bool


class Runs(BaseModel):
    """Runs, the newest first."""

    runs: list[Run]


class Names(BaseModel):
    """What a run may be asked for."""

    profiles: list[str]
    gold: list[str]


class Rows(BaseModel):
    """Some candidates of a run, and how many there are."""

    total: int
    rows: list[dict[str, Any]]


class Funnel(BaseModel):
    """Candidates by how they ended, and why."""

    funnel: list[dict[str, Any]]


class Bars(BaseModel):
    """Bars of a row."""

    bars: list[dict[str, Any]]


class Item(BaseModel):
    """The next row of a deck; no `item` where all are judged."""

    done: int
    left: int
    item: str | None
    text: str
    facts: str
    bars: list[dict[str, Any]]


REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Refusal, "description": "Refused"},
    503: {"model": Refusal, "description": "Too many jobs wait, or the disk refuses"},
}
