"""The service's HTTP interface: submit, watch, cancel, resume, fetch. Names only, never paths."""

import contextlib
import functools
import re
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from designer_configs.compile.profile import list_profiles
from service.errors import ServiceError
from service.guards import Guard, refuse
from service.jobs import Asked, JobFolder
from service.metrics import write_metrics
from service.reading import Counts, find_file, follow_events, follow_runs, list_files, read_bars, read_funnel, read_rows
from service.replies import REFUSALS, Bars, Funnel, Item, Names, Rows, Run, Runs, Submitted
from service.review import book_review, next_item
from service.scheduler import Scheduler

PAGES = Path(__file__).parent / "pages"
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
Reviewer = Annotated[str, Field(min_length=1, max_length=60, pattern=r"\S", description="Who judges; no blanks alone.")]
LISTED = 100  # runs, the newest
MOST = 1_000_000_000  # rows of a run that may be asked for
CONTENT_POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"


class RunRequest(BaseModel):
    """What a run is asked for."""

    model_config = ConfigDict(extra="forbid")

    profile: str = Field(pattern=NAME, description="Name of a shipped profile.")
    num: int | None = Field(default=None, ge=1, le=1_000_000, strict=True, description="Accepted rows wanted.")
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1, strict=True, description="Same seed, same run.")
    gold: str | None = Field(default=None, pattern=NAME, description="Name of a gold folder of the service.")


class Review(BaseModel):
    """A reviewer's verdict on one row of a deck."""

    model_config = ConfigDict(extra="forbid")

    item: str = Field(pattern="^[0-9a-f]{16}$")
    verdict: Literal["accept", "reject", "skip"]
    reason: str = Field(default="", max_length=500)
    seconds: float = Field(default=0.0, ge=0, le=86_400)
    reviewer: Reviewer


def build_app(
    runs: Path, gold: Path, *, guard: Guard | None = None, workers: int = 1, most_waiting: int = 100
) -> FastAPI:
    """Build the service over a folder of runs and one of gold folders; workers start with the app."""
    jobs, counts = JobFolder(runs, most_waiting), Counts()

    @contextlib.asynccontextmanager
    async def run_scheduler(_: FastAPI) -> AsyncIterator[None]:
        scheduler = Scheduler(jobs, gold, workers)
        scheduler.start()
        yield
        scheduler.stop()

    app = FastAPI(
        title="tradelogs", version="1", lifespan=run_scheduler, docs_url=None, redoc_url=None, responses=REFUSALS
    )
    app.middleware("http")((guard or Guard()).build())
    app.state.jobs, app.state.stopping = jobs, threading.Event()
    _add_errors(app)
    _add_runs(app, jobs, counts, gold)
    _add_looks(app, jobs)
    _add_review(app, jobs)
    _add_pages(app)
    return app


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(ServiceError)
    async def explain(_: Request, error: ServiceError) -> JSONResponse:
        return refuse(error.status, str(error), error.retry_after)

    @app.exception_handler(RequestValidationError)
    async def explain_request(_: Request, error: RequestValidationError) -> JSONResponse:
        return refuse(422, "; ".join(map(_say_wrong, error.errors())))

    @app.exception_handler(OSError)
    async def explain_disk(_: Request, error: OSError) -> JSONResponse:
        return refuse(503, f"the folder of runs cannot be read or written: {error.strerror}", 30)

    @app.exception_handler(HTTPException)
    async def explain_route(_: Request, error: HTTPException) -> JSONResponse:
        return refuse(error.status_code, f"{error.detail.lower()}: docs/service.md lists the calls")


def _say_wrong(error: Mapping[str, Any]) -> str:
    """Say what is wrong with a request, and where; a place in a text that is no JSON is a character's."""
    place = [str(part) for part in error["loc"][1:]]
    if error["type"] == "json_invalid":
        return f"the body is no JSON, at character {place[-1]}"
    return f"{'.'.join(place) or 'the body'}: {error['msg']}"


def describe(jobs: JobFolder, counts: Counts, name: str) -> dict[str, Any]:
    """Describe a run: what was asked, its state, counts so far, its files."""
    ended, asked = jobs.read_exit(name) or {}, jobs.read_job(name)
    return {
        "id": name,
        "state": jobs.tell_state(name),
        "exit_code": ended.get("code"),
        "asked": {key: asked.get(key) for key in ("profile", "num", "seed", "gold")},
        "submitted": asked["submitted"] / 1e9 if asked else None,
        "message": ended.get("message", ""),
        "counts": counts.read(jobs.runs / name),
        "files": list_files(jobs.runs / name),
    }


def list_described(jobs: JobFolder, counts: Counts, most: int) -> list[dict[str, Any]]:
    """Describe the newest runs; one that goes away meanwhile is left out."""
    found = []
    for name in jobs.list_runs()[:most]:
        with contextlib.suppress(FileNotFoundError):
            found.append(describe(jobs, counts, name))
    return found


def _add_runs(app: FastAPI, jobs: JobFolder, counts: Counts, gold: Path) -> None:
    @app.post("/v1/runs", status_code=202, response_model=Submitted)
    def submit(
        asked: RunRequest, idempotency_key: Annotated[str | None, Header(max_length=200, min_length=1)] = None
    ) -> dict[str, Any]:
        """Book a run. The same Idempotency-Key is the same run."""
        if asked.profile not in (known := list_profiles()):
            raise ServiceError(422, f"profile: there is no {asked.profile}; there are {', '.join(known)}")
        if asked.gold is not None and not (gold / asked.gold / "trades.parquet").is_file():
            raise ServiceError(422, f"gold: there is no {asked.gold}; there are {', '.join(list_gold(gold)) or 'none'}")
        name, is_new = jobs.submit(Asked(**asked.model_dump()), idempotency_key)
        return describe(jobs, counts, name) | {"new": is_new}

    @app.get("/v1/runs", response_model=Runs)
    def list_runs(limit: Annotated[int, Query(ge=1, le=500)] = LISTED) -> dict[str, Any]:
        """List runs, the newest first."""
        return {"runs": list_described(jobs, counts, limit)}

    @app.get("/v1/events", response_class=StreamingResponse)
    def watch() -> StreamingResponse:
        """Follow the list of runs (server-sent): it is told anew when it has changed."""
        runs = functools.partial(list_described, jobs, counts, LISTED)
        return StreamingResponse(follow_runs(runs, app.state.stopping), media_type="text/event-stream")

    @app.get("/v1/runs/{name}", response_model=Run)
    def show_run(name: str) -> dict[str, Any]:
        """Show one run."""
        return describe(jobs, counts, jobs.find(name))

    @app.post("/v1/runs/{name}/cancel", status_code=202, response_model=Run)
    def cancel(name: str) -> dict[str, Any]:
        """Stop a run; what there is, is kept."""
        jobs.cancel(jobs.find(name))
        return describe(jobs, counts, name)

    @app.post("/v1/runs/{name}/resume", status_code=202, response_model=Run)
    def resume(name: str) -> dict[str, Any]:
        """Go on with a run that ended before it was done."""
        jobs.requeue(jobs.find(name))
        return describe(jobs, counts, name)

    @app.get("/v1/profiles", response_model=Names)
    def profiles() -> dict[str, Any]:
        """Name the profiles and gold folders that a run may have."""
        return {"profiles": list_profiles(), "gold": list_gold(gold)}


def _add_looks(app: FastAPI, jobs: JobFolder) -> None:
    @app.get("/v1/runs/{name}/events", response_class=StreamingResponse)
    def events(name: str) -> StreamingResponse:
        """Follow a run's events (server-sent)."""
        events = follow_events(jobs, jobs.find(name), app.state.stopping)
        return StreamingResponse(events, media_type="text/event-stream")

    @app.get("/v1/runs/{name}/files/{file}", response_class=FileResponse)
    def fetch(name: str, file: str) -> FileResponse:
        """Fetch a file of a run."""
        return FileResponse(find_file(jobs.runs / jobs.find(name), file))

    @app.get("/v1/runs/{name}/rows", response_model=Rows)
    def rows(
        name: str, start: Annotated[int, Query(ge=0, le=MOST)] = 0, count: Annotated[int, Query(ge=0, le=MOST)] = 20
    ) -> dict[str, Any]:
        """Show candidates, with critiques and edits."""
        return read_rows(jobs.runs / jobs.find(name), start, count)

    @app.get("/v1/runs/{name}/funnel", response_model=Funnel)
    def funnel(name: str) -> dict[str, Any]:
        """Count candidates by how they ended."""
        return {"funnel": read_funnel(jobs.runs / jobs.find(name))}

    @app.get("/v1/runs/{name}/bars/{row_id}", response_model=Bars)
    def bars(name: str, row_id: str) -> dict[str, Any]:
        """Show the bars of an accepted row."""
        return {"bars": read_bars(jobs.runs / jobs.find(name), row_id)}

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Say that the service is up."""
        return {"status": "ok"}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> str:
        """Count runs by state, for Prometheus."""
        return write_metrics(jobs)


def _add_review(app: FastAPI, jobs: JobFolder) -> None:
    @app.get("/v1/runs/{name}/review", response_model=Item)
    def show_next(name: str, reviewer: Reviewer) -> dict[str, Any]:
        """Give the next row that a reviewer has not judged; where it comes from is not said."""
        return next_item(jobs.runs / jobs.find(name), reviewer)

    @app.post("/v1/runs/{name}/review")
    def book(name: str, review: Review) -> dict[str, str]:
        """Book a verdict."""
        book_review(jobs.runs / jobs.find(name), review.model_dump())
        return {"status": "booked"}


def list_gold(gold: Path) -> list[str]:
    """List the gold folders that may be named."""
    return sorted(path.parent.name for path in gold.glob("*/trades.parquet") if re.match(NAME, path.parent.name))


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def home() -> FileResponse:
        return FileResponse(PAGES / "index.html", headers={"Content-Security-Policy": CONTENT_POLICY})

    app.mount("/pages", StaticFiles(directory=PAGES), name="pages")
