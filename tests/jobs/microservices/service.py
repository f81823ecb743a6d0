"""A NeMo Data Designer service on loopback: its endpoints over the Data Designer library, in a process of its own.

It serves what the client calls and nothing else, is as strict as the client's own config classes, and knows none of
our column types. A script, a JSON file that it reads anew for every request, makes it misbehave:

    refuse       HTTP status for every call of the service
    headers      headers of what it refuses
    hang         a part of the paths of calls that are never answered
    odd          by the endings of paths, what calls are answered with, after which the key comes where `echo` is
    fail_looks   looks at jobs, by their number, that are answered 503
    lose_answer  a job is created, but the first answer that says so is a 503
    job_error    every job ends with status `error` and these words
    hold         jobs that are done stay `active`
    drop, twice, foreign   positions of rows that do not come back, come twice, or with another row_id
    put          values by column that stand in every row
    put_at       positions of rows that alone have them
    as_text      columns whose values come as JSON text
    no_analysis  there is none
    allow        the models that its provider may be asked for
    echo         the key that it was sent comes back in every row, log line and error, after so many x
"""

import argparse
import asyncio
import base64
import io
import json
import logging
import os
import re
import sys
import tarfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import uvicorn
from data_designer.config.config_builder import DataDesignerConfigBuilder
from data_designer.config.models import ModelProvider
from data_designer.config.run_config import ResumeMode, RunConfig
from data_designer.errors import DataDesignerError
from nemo_microservices.data_designer.config.data_designer_config import DataDesignerConfig
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from jobs.library.shim import ObservedDataDesigner
from tests.jobs.microservices.answers import analyse, change_texts, name_work, read_groups, replace_values

LIFETIME = 1800.0  # seconds after which it stops, whoever forgot it; all tests share it, on a slow machine too
LISTENING = "listening on "
COMMIT = "0" * 40


@dataclass
class ServiceJob:
    """One job: as it was sent, and what became of it."""

    id: str
    name: str
    spec: dict[str, Any]
    status: str = "created"
    error: str | None = None
    is_done: bool = False
    log: list[dict[str, str]] = field(default_factory=list)


class Odd(HTTPException):
    """An answer of another server."""


class Service:
    """State and handlers; jobs run one after the other, and of two that ask for the same only the first."""

    def __init__(self, folder: Path, model_endpoint: str, provider: str) -> None:
        self.folder = folder
        self.jobs: dict[str, ServiceJob] = {}
        self.base = ""
        self._provider = ModelProvider(name=provider, endpoint=model_endpoint, provider_type="openai")
        self._one_at_a_time = threading.Lock()
        self._looks = 0
        self._key = ""
        self._done: dict[str, ServiceJob] = {}

    @property
    def script(self) -> dict[str, Any]:
        path = self.folder / "script.json"
        script: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return script

    async def note(self, request: Request) -> None:
        """Write the call down, and refuse it where the script says so."""
        if "/hf/" not in request.url.path:
            self._key = (request.headers.get("authorization") or "").partition(" ")[2]
        with (self.folder / "calls.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps([request.method, request.url.path, request.headers.get("authorization")]) + "\n")
        if self.script.get("hang", "no path") in request.url.path:
            await asyncio.sleep(LIFETIME)
        for ending, answer in self.script.get("odd", {}).items():
            if re.search(f"{ending}$", request.url.path) and request.method == "GET":
                raise Odd(200, self._echo(answer) if answer else "")
        if "refuse" in self.script and "/hf/" not in request.url.path:
            raise HTTPException(self.script["refuse"], self._echo("as the script says"))

    async def tell_settings(self, request: Request) -> Response:
        await self.note(request)
        provider = {"name": self._provider.name, "provider_type": "openai", "allowed_models": self.script.get("allow")}
        defaults = {"model_configs": [], "model_provider": self._provider.name}
        return JSONResponse({"defaults": defaults, "model_providers": [provider]})

    async def create_job(self, request: Request) -> Response:
        await self.note(request)
        body = await request.json()
        try:
            config = DataDesignerConfig.model_validate(body["spec"]["config"])
        except ValidationError as exc:
            return JSONResponse({"detail": json.loads(exc.json(include_url=False))}, status_code=422)
        job = ServiceJob(f"job-{len(self.jobs) + 1}", body["name"], body["spec"])
        self.jobs[job.id] = job
        threading.Thread(target=self._run, args=(job, config), daemon=True).start()
        if self.script.get("lose_answer") and [j.name for j in self.jobs.values()].count(job.name) == 1:
            raise HTTPException(503, "the answer was lost")
        return JSONResponse(describe(job))

    async def list_jobs(self, request: Request) -> Response:
        await self.note(request)
        data = [describe(job) for job in reversed(self.jobs.values())]
        pages = {"page": 1, "page_size": 100, "current_page_size": len(data), "total_pages": 1}
        return JSONResponse({"data": data, "pagination": pages | {"total_results": len(data)}})

    async def tell_job(self, request: Request) -> Response:
        await self.note(request)
        job = self._find(request)
        if job.is_done and job.status == "active" and not self.script.get("hold"):
            job.status = "completed"
        self._looks = 1 + self._looks if self.script.get("fail_looks") else 0
        if self._looks in self.script.get("fail_looks", []):
            raise HTTPException(503, "not now")
        return JSONResponse(describe(job))

    async def cancel_job(self, request: Request) -> Response:
        await self.note(request)
        job = self._find(request)
        job.status = "cancelled"
        return JSONResponse(describe(job))

    async def give_rows(self, request: Request) -> Response:
        await self.note(request)
        job = self._find(request)
        rows = self._spoil(read_groups(self.folder / "artifacts" / job.id))
        if rows is None:
            raise HTTPException(404, "there is no dataset")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            content = io.BytesIO()
            rows.write_parquet(content)
            member = tarfile.TarInfo("dataset/batch_00000.parquet")
            member.size = len(content.getvalue())
            archive.addfile(member, io.BytesIO(content.getvalue()))
        return Response(packed.getvalue(), media_type="application/gzip")

    async def give_analysis(self, request: Request) -> Response:
        await self.note(request)
        job = self._find(request)
        rows = read_groups(self.folder / "artifacts" / job.id)
        if rows is None or self.script.get("no_analysis"):
            raise HTTPException(404, "there is no analysis")
        return JSONResponse(analyse(rows, job.spec))

    async def give_log(self, request: Request) -> Response:
        await self.note(request)
        job = self._find(request)
        line = {"job_id": job.id, "job_step": "generate", "job_task": "task", "timestamp": "2026-01-02T03:04:05Z"}
        log = [entry | {"message": self._echo(entry["message"])} for entry in job.log]
        data = [line | {"message": json.dumps(entry)} for entry in log]
        return JSONResponse({"data": data, "next_page": None})

    def _find(self, request: Request) -> ServiceJob:
        job = self.jobs.get(request.path_params["job"])
        if job is None:
            raise HTTPException(404, "there is no such job")
        return job

    def _spoil(self, rows: pl.DataFrame | None) -> pl.DataFrame | None:
        script = self.script
        if rows is not None and "echo" in script and "judge" in rows.columns:
            rows = change_texts(rows, "judge", self._echo)
        if rows is not None:
            rows = replace_values(rows, script)
        if rows is None or not script.keys() & {"drop", "twice", "foreign"}:
            return rows
        places = [n for n in range(rows.height) if n not in script.get("drop", [])] + script.get("twice", [])
        foreign = [rows["row_id"][n] for n in script.get("foreign", [])]
        renamed = pl.when(pl.col("row_id").is_in(foreign)).then(pl.lit("foreign")).otherwise("row_id").alias("row_id")
        spoilt: pl.DataFrame = rows[places].with_columns(renamed)
        return spoilt

    def _echo(self, text: str) -> str:
        """Say the key that came with the last call, where the script says so."""
        return text if "echo" not in self.script else f"{'x' * self.script['echo']}{self._key} {text}"

    def _run(self, job: ServiceJob, config: DataDesignerConfig) -> None:
        handler = Log(job)
        with self._one_at_a_time:
            logging.getLogger("data_designer").addHandler(handler)
            try:
                job.status = "active"
                self._generate(job, config)
                job.is_done = True
            except DataDesignerError as exc:
                job.status, job.error = "error", self._echo(str(exc))
            except Exception as exc:
                job.status, job.error = "error", f"{type(exc).__name__}: {exc}"
            finally:
                logging.getLogger("data_designer").removeHandler(handler)

    def _generate(self, job: ServiceJob, config: DataDesignerConfig) -> None:
        if words := self.script.get("job_error"):
            raise DataDesignerError(words)
        native = config.model_dump(mode="json", exclude_none=True)
        native["columns"] = [c for c in native["columns"] if c["column_type"] != "seed-dataset"]
        path = self.folder / "datasets" / native["seed_config"].pop("dataset")
        work = name_work(native, path, [job.spec["num_records"], self.script.get("buffer_size")])
        if before := self._done.get(work):
            (self.folder / "artifacts" / job.id).symlink_to(before.id)
            job.log = before.log
            return
        native["seed_config"]["source"] = {"seed_type": "local", "path": str(path)}
        for model in native["model_configs"]:
            model["skip_health_check"] = True
        designer = ObservedDataDesigner(
            artifact_path=self.folder / "artifacts", model_providers=[self._provider], auto_configure_logging=False
        )
        designer.set_run_config(
            RunConfig(
                buffer_size=self.script.get("buffer_size", 1000),
                disable_early_shutdown=True,
                max_conversation_restarts=0,
                max_conversation_correction_steps=1,
                otel_metrics_port=None,
            )
        )
        designer.create(
            DataDesignerConfigBuilder.from_config(native),
            num_records=job.spec["num_records"],
            dataset_name=job.id,
            resume=ResumeMode.NEVER,
        )
        self._done[work] = job


class DataStore:
    """The part of a Hugging Face hub that uploading and reading one dataset file takes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._folder = service.folder / "datasets"

    async def create(self, request: Request) -> Response:
        await self._service.note(request)
        body = await request.json()
        name = f"{body['organization']}/{body['name']}"
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        return JSONResponse({"url": f"{self._service.base}/v1/hf/datasets/{name}"})

    async def prepare(self, request: Request) -> Response:
        await self._service.note(request)
        files = (await request.json())["files"]
        told = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]
        return JSONResponse({"files": told})

    async def commit(self, request: Request) -> Response:
        await self._service.note(request)
        for line in (await request.body()).splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                self._path(request, entry["value"]["path"]).write_bytes(base64.b64decode(entry["value"]["content"]))
        url = f"{self._service.base}/v1/hf/datasets/{self._repo(request)}/commit/{COMMIT}"
        return JSONResponse({"success": True, "commitOid": COMMIT, "commitUrl": url, "hookOutput": ""})

    async def tell(self, request: Request) -> Response:
        await self._service.note(request)
        name = self._repo(request)
        return JSONResponse({"id": name, "sha": COMMIT, "private": False, "siblings": [], "tags": []})

    async def list_files(self, request: Request) -> Response:
        await self._service.note(request)
        files = sorted((self._folder / self._repo(request)).iterdir())
        told = [{"type": "file", "oid": COMMIT, "size": f.stat().st_size, "path": f.name} for f in files]
        return JSONResponse(told)

    async def give(self, request: Request) -> Response:
        await self._service.note(request)
        content = self._path(request, request.path_params["file"]).read_bytes()
        headers = {"ETag": COMMIT, "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if (span := request.headers.get("range")) is None:
            return Response(content, headers=headers)
        first, _, last = span.removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
        headers["Content-Range"] = f"bytes {begin}-{end}/{len(content)}"
        return Response(content[begin : end + 1], status_code=206, headers=headers)

    def _repo(self, request: Request) -> str:
        return f"{request.path_params['space']}/{request.path_params['name']}"

    def _path(self, request: Request, file: str) -> Path:
        return self._folder / self._repo(request) / Path(file).name


class Log(logging.Handler):
    """Keeps the library's log as a job's own."""

    def __init__(self, job: ServiceJob) -> None:
        super().__init__()
        self._job = job

    def emit(self, record: logging.LogRecord) -> None:
        entry = {"name": record.name, "levelname": record.levelname, "message": record.getMessage()}
        self._job.log.append(entry)


def describe(job: ServiceJob) -> dict[str, Any]:
    """Describe a job as the service does."""
    details = None if job.error is None else {"message": job.error}
    return {"id": job.id, "name": job.name, "spec": job.spec, "status": job.status, "error_details": details}


def make_app(service: Service) -> Starlette:
    """Make the application: every endpoint of the service that the client calls; all others are 404, and noted."""
    store, jobs, hub = DataStore(service), "/v1/data-designer/jobs", "/v1/hf/api/datasets/{space}/{name}"

    async def refuse(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)
        if exc.status_code == 404 and exc.detail == "Not Found":
            await service.note(request)
        if isinstance(exc, Odd):
            kind = "application/json" if exc.detail.startswith("{") else "text/html"
            return Response(exc.detail, media_type=kind)
        return JSONResponse({"detail": exc.detail}, exc.status_code, service.script.get("headers"))

    return Starlette(
        routes=[
            Route("/v1/data-designer/settings", service.tell_settings),
            Route(jobs, service.create_job, methods=["POST"]),
            Route(jobs, service.list_jobs),
            Route(f"{jobs}/{{job}}", service.tell_job),
            Route(f"{jobs}/{{job}}/cancel", service.cancel_job, methods=["POST"]),
            Route(f"{jobs}/{{job}}/results/dataset/download", service.give_rows),
            Route(f"{jobs}/{{job}}/results/analysis/download", service.give_analysis),
            Route("/v1/jobs/{job}/logs", service.give_log),
            Route("/v1/hf/api/repos/create", store.create, methods=["POST"]),
            Route(f"{hub}/preupload/main", store.prepare, methods=["POST"]),
            Route(f"{hub}/commit/main", store.commit, methods=["POST"]),
            Route(hub, store.tell),
            Route(f"{hub}/tree/main", store.list_files),
            Route("/v1/hf/datasets/{space}/{name}/resolve/main/{file}", store.give),
        ],
        exception_handlers={HTTPException: refuse},
    )


class Server(uvicorn.Server):
    """Says where it listens once it does."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.config.app.state.service.base = f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
        print(f"{LISTENING}{self.config.app.state.service.base}", flush=True)  # type: ignore[union-attr]


def stop_with_stdin() -> None:
    """Stop when the process that started this one is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve until standard input ends, or the lifetime is over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("model_endpoint")
    parser.add_argument("provider")
    given = parser.parse_args()
    for watch in (threading.Thread(target=stop_with_stdin), threading.Timer(LIFETIME, os._exit, (3,))):
        watch.daemon = True
        watch.start()
    logging.getLogger("data_designer").setLevel(logging.INFO)
    app = make_app(service := Service(given.folder, given.model_endpoint, given.provider))
    app.state.service = service
    Server(uvicorn.Config(app, port=0, access_log=False, log_level="warning", lifespan="off", ws="none")).run()


if __name__ == "__main__":
    main()
