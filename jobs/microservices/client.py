"""Talks to a NeMo Data Designer service: is patient with one that is away, and says what went wrong."""

import contextlib
import os
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import polars as pl

from designer_configs.compile.profile import BackendChoice
from files.secret_text import mask_secrets, mask_values
from jobs.errors import BackendError
from jobs.job import ROW_ID
from jobs.microservices.answers import Tokens, find_tokens, is_job, is_providers, read_archive, shorten
from jobs.microservices.config import hold_back_prints, import_quietly
from jobs.retry_after import read_asked_pause

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 30.0, 1.5  # seconds between two looks at a job, and between two tries
LONGEST_ANSWER, SHORTEST_ANSWER = 30.0, 5.0  # seconds that one call waits for, as patience allows
STOP_ANSWER = 2.0  # likewise, where a person wants to stop
LOOK_SECONDS = 1.0  # between two looks for a cap that is spent, while nothing but time passes
LONGEST_READ = 100_000  # bytes of an answer that are looked at to say what came
ENDED = ("completed", "cancelled", "error")
LISTED = 200  # jobs, the youngest ones, among which one is looked for by its name
PROJECT = "synthetic-trade-logs"
NO_TOKEN = "unused"  # without one huggingface_hub would send the person's own, meant for another host  # noqa: S105


class Failure(NamedTuple):
    """What an error of the client comes to: the HTTP status if there was an answer, and whether to try again.

    `asked` is for how many seconds the service asks us to wait first (Retry-After).
    """

    status: int | None
    passes: bool
    words: str
    asked: float = 0.0


class CapReached(Exception):  # noqa: N818 - no error, but the end of waiting
    """A cap of the profile was spent while a service did not answer."""

    def __init__(self, cap: str) -> None:
        super().__init__(f"the cap run.{cap} was reached")
        self.cap = cap


class ServiceClient:
    """NeMoDataDesignerClient for one service; neither its address nor a key ever leaves this object in words.

    Args:
        choice: Names the environment variables that hold addresses and keys.
        patience: Seconds that a service which does not answer is waited for.
        find_spent_cap: Names the cap of the profile that was reached: then nothing is waited for any more.
    """

    def __init__(self, choice: BackendChoice, patience: float, find_spent_cap: Callable[[], str | None]) -> None:
        base = os.environ.get(choice.base_url_env or "", "").rstrip("/")
        if not urlsplit(base).netloc:
            raise BackendError(f"${choice.base_url_env} holds no address: it must be such as http://nemo.test:8080")
        self.place = f"the NeMo Data Designer service at ${choice.base_url_env}"
        self._patience = patience
        self._find_spent_cap = find_spent_cap
        self._deadline = float("inf")
        self._came: httpx.Response | None = None
        self._choice = choice
        self._datastore = os.environ.get(choice.datastore_url_env or "", "").rstrip("/") or f"{base}/v1/hf"
        self._token = os.environ.get(choice.datastore_token_env or "") or NO_TOKEN
        key = os.environ.get(choice.api_key_env or "")
        self._hidden = {base: choice.base_url_env, self._datastore: choice.datastore_url_env}
        self._hidden |= {key: choice.api_key_env} if key else {}
        self._hidden |= {} if self._token == NO_TOKEN else {self._token: choice.datastore_token_env}
        for address, name in list(self._hidden.items()):
            place = urlsplit(address).netloc
            for part in filter(None, (place, place.rpartition("@")[2])):
                self._hidden.setdefault(part, name)
        with import_quietly():
            from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415
            from nemo_microservices import DefaultHttpxClient, NeMoMicroservices  # noqa: PLC0415
            from nemo_microservices.data_designer.client.data_designer_client import (  # noqa: PLC0415
                NeMoDataDesignerClient,
            )
        disable_progress_bars()
        headers = {"Authorization": f"Bearer {key}"} if key else None
        # A connection is closed with its answer: looks at a job are far between, and nothing is left open at the end.
        connections = DefaultHttpxClient(
            limits=httpx.Limits(max_keepalive_connections=0), event_hooks={"response": [self._note]}
        )
        # Calls are repeated by us alone: that is seen by caps and stops, and a job is not sent twice because an answer
        # was lost on the way.
        self._sdk = NeMoMicroservices(
            base_url=base,
            default_headers=headers,
            http_client=connections,
            timeout=min(LONGEST_ANSWER, max(SHORTEST_ANSWER, patience)),
            max_retries=0,
        )
        self._client = NeMoDataDesignerClient(client=self._sdk)

    def be_brief(self, seconds: float) -> None:
        """Take that many seconds for everything from now on: a person wants to stop, or a cap was reached."""
        self._deadline = time.monotonic() + seconds
        self._sdk.timeout = STOP_ANSWER

    def wait(self, seconds: float) -> str | None:
        """Wait, until a cap of the profile is spent at the longest; gives that cap."""
        until = time.monotonic() + seconds
        while (cap := self._find_spent_cap()) is None and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
        return cap

    def list_providers(self) -> dict[str, list[str] | None]:
        """List the providers that the service has models of, by name; the models, where it says which are allowed.

        Raises:
            BackendError: it cannot be reached, or refuses the key.
        """

        def read() -> dict[str, list[str] | None]:
            return {p.name: p.allowed_models for p in self._sdk.data_designer.settings().model_providers}

        known: dict[str, list[str] | None] = self._call("list its providers", read, is_right=is_providers, patience=0)
        return known

    def upload(self, rows: Path, repository: str) -> Any:
        """Upload a Parquet file to the service's data store; gives the reference that a config needs."""
        from nemo_microservices.data_designer.config.datastore import DatastoreSettings  # noqa: PLC0415

        settings = DatastoreSettings(endpoint=self._datastore, token=self._token)
        return self._call(
            "take the rows into its data store", lambda: self._client.upload_seed_dataset(rows, repository, settings)
        )

    def build(self, make: Callable[[], Any]) -> Any:
        """Build a config, which reads the columns of the uploaded rows from the data store."""
        return self._call("give the uploaded rows back", make)

    def submit(self, config: Any, rows: int, name: str) -> str:
        """Create a job, once: where the answer is lost, it is looked for by its name before it is sent again."""
        started, pause = time.monotonic(), 0.0
        while True:
            try:
                with hold_back_prints() as printed:
                    created = self._client.create(config, num_records=rows, name=name, project=PROJECT)
                if not is_job(created._job):
                    raise self._refuse_answer(f"create job {name}")
                return str(created._job.id)
            except BackendError:
                raise
            except Exception as exc:
                failure = self._explain(exc)
                if not failure.passes or self._is_over(started, self._patience, failure.asked):
                    said = failure._replace(words=f"{failure.words} {self.quote(printed.getvalue())}".strip())
                    raise self._give_up(f"create job {name}", said) from exc
                asked = failure.asked
            self._hold_out(max(pause := pause_longer(pause), asked))
            if (known := self.find_job(name)) is not None:
                return known

    def find_job(self, name: str) -> str | None:
        """Find a job by its name."""
        jobs = self._call(
            "list its jobs", lambda: self._client.list_jobs(limit=LISTED), is_right=lambda jobs: all(map(is_job, jobs))
        )
        return next((str(job.id) for job in jobs if job.name == name), None)

    def read_job(self, job_id: str) -> Any:
        """Read a job: its `status`, and what the service says of it; None where it does not know the job."""
        return self._call(
            f"say how job {job_id} is",
            lambda: self._sdk.data_designer.jobs.retrieve(job_id),
            is_right=is_job,
            may_miss=True,
        )

    def cancel(self, job_id: str) -> None:
        """Cancel a job, if it can be."""
        self._call("cancel it", lambda: self._sdk.data_designer.jobs.cancel(job_id), patience=0, may_miss=True)

    def download(self, job_id: str) -> list[dict[str, Any]] | None:
        """Download a job's rows, keys in them masked; None where there are none to be had."""
        results = self._sdk.data_designer.jobs.results
        packed = self._call(
            f"give the rows of job {job_id}", lambda: results.download_dataset(job_id=job_id).read(), may_miss=True
        )
        if packed is None:
            return None
        try:
            rows: list[dict[str, Any]] = mask_values(read_archive(packed))
        except (tarfile.TarError, pl.exceptions.PolarsError, OSError, EOFError, zlib.error) as exc:
            raise self._refuse_answer(f"give readable rows for job {job_id}", packed) from exc
        if not all(isinstance(row.get(ROW_ID), str) for row in rows):
            odd = next(row.get(ROW_ID) for row in rows if not isinstance(row.get(ROW_ID), str))
            raise self._refuse_answer(f"give rows with a text as {ROW_ID} for job {job_id}", repr(odd).encode())
        return rows

    def read_tokens(self, job_id: str, column: str) -> Tokens:
        """Read a column's tokens from a job's analysis: its means per row times the rows that it counted."""
        results = self._sdk.data_designer.jobs.results
        try:
            said = self._call("analyse", lambda: results.download_analysis(job_id=job_id), patience=0, may_miss=True)
        except BackendError:
            return Tokens(None, None)
        return find_tokens(said, column)

    def read_complaints(self, job_id: str) -> list[str]:
        """Read the warnings and errors of a job's log, in their order; none where it cannot be had."""
        try:
            results = self._call("find the job", lambda: self._client.get_job_results(job_id), patience=0)
            entries = self._call("give its log", results.get_logs, patience=0)
        except BackendError:
            return []
        bad = [e for e in entries if str(e.get("levelname", "")).upper() in ("WARNING", "WARN", "ERROR", "CRITICAL")]
        return [self.quote(str(entry["message"])) for entry in bad]

    def hide(self, text: str) -> str:
        """Replace addresses and keys in a text by the names of their variables."""
        for secret in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(secret, f"${self._hidden[secret]}")
        return mask_secrets(text)

    def quote(self, text: str) -> str:
        """Repeat what a service says: keys are masked before it is cut, for part of one would not be found."""
        return shorten(self.hide(text))

    def _call(
        self,
        task: str,
        call: Callable[[], Any],
        *,
        is_right: Callable[[Any], bool] = lambda _: True,
        patience: float | None = None,
        may_miss: bool = False,
    ) -> Any:
        """Call until there is an answer, or patience ends.

        Args:
            task: What the service is asked to do, after "does not".
            is_right: Tells whether an answer has the shape that the service's have.
            patience: In seconds, where it is not the client's own.
            may_miss: Give None where the service answers that there is no such thing.

        Raises:
            BackendError: the service refuses, does not answer, or answers as another one would.
            CapReached: it does not answer, and there is no time or money left to wait for it.
        """
        started, pause = time.monotonic(), 0.0
        patience = self._patience if patience is None else patience
        while True:
            if time.monotonic() > self._deadline:
                raise BackendError(f"{self.place} was not asked to {task}: it took too long to stop")
            try:
                with hold_back_prints(), self._open_data_store():
                    self._came = None
                    answer = call()
                    if not is_right(answer):
                        raise self._refuse_answer(task)
                    return answer
            except (BackendError, CapReached):
                raise
            except Exception as exc:
                failure = self._explain(exc)
                if failure.status is None and not failure.passes and self._came is not None:
                    raise self._refuse_answer(task) from exc
                if failure.status == 404 and may_miss:
                    return None
                if not failure.passes or self._is_over(started, patience, failure.asked):
                    raise self._give_up(task, failure) from exc
                asked = failure.asked
            self._hold_out(max(pause := pause_longer(pause), asked))

    def _note(self, response: httpx.Response) -> None:
        self._came = response

    def _refuse_answer(self, task: str, came: bytes | None = None) -> BackendError:
        """Say of an answer that it is none of a Data Designer service, and what came: the last one, or `came`."""
        if came is None:
            came = self._came.content if self._came is not None and self._came.is_stream_consumed else b""
        said = self.quote(came[:LONGEST_READ].decode(errors="replace")) or "nothing"
        return BackendError(
            f"${self._choice.base_url_env} does not answer as a Data Designer service does: it does not {task}. "
            f"Is it the address of the service itself? What came: {said}"
        )

    def _is_over(self, started: float, patience: float, asked: float) -> bool:
        """Tell whether patience has ended, or will have before the service wants to be asked again."""
        return time.monotonic() + asked >= min(started + patience, self._deadline)

    def _hold_out(self, pause: float) -> None:
        """Wait before the next try."""
        if (cap := self.wait(pause)) is not None:
            raise CapReached(cap)

    @contextlib.contextmanager
    def _open_data_store(self) -> Iterator[None]:
        """Have the data store's client wait no longer than ours does, and close its connections at the end.

        It keeps them for the whole process, waits without end, and repeats calls by itself.
        """
        from huggingface_hub import close_session, get_session  # noqa: PLC0415

        def steer(request: httpx.Request) -> None:
            if (cap := self._find_spent_cap()) is not None:
                raise CapReached(cap)
            request.extensions["timeout"] = httpx.Timeout(self._sdk.timeout).as_dict()

        session = get_session()
        session.event_hooks = {**session.event_hooks, "request": [*session.event_hooks["request"], steer]}
        try:
            yield
        finally:
            close_session()

    def _explain(self, exc: BaseException) -> Failure:
        """Find what an error stands for; the client wraps the one that tells."""
        chain: list[BaseException] = [exc]
        while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None and inner not in chain:
            chain.append(inner)
        for error in chain:
            response = getattr(error, "response", None)
            status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
            if isinstance(status, int):
                passes = status in (408, 409, 425, 429) or status >= 500
                asked = read_asked_pause(getattr(response, "headers", {})) or 0.0
                return Failure(status, passes, f"HTTP {status}: {self.quote(str(error))}", asked)
        away = next((e for e in chain if isinstance(e, httpx.TransportError | ConnectionError | TimeoutError)), None)
        words = self.quote(str(away or exc)) or type(away or exc).__name__
        return Failure(None, away is not None, words)

    def _give_up(self, task: str, failure: Failure) -> BackendError:
        choice, status = self._choice, failure.status
        if failure.passes and failure.asked > self._patience:
            minutes = f"run.patience_minutes: {self._patience / 60:g}"
            advice = f"It asks for a pause of {failure.asked:g} s (Retry-After), and no longer is waited than {minutes}"
        elif failure.passes and status is None:
            advice = (
                f"It does not answer: is it running, and are ${choice.base_url_env} and ${choice.datastore_url_env}"
            )
            advice += " its addresses?"
        elif status in (401, 403):
            keys = [f"${name}" for name in (choice.api_key_env, choice.datastore_token_env) if name]
            wanted = " and ".join(keys) or "backend.microservices.api_key_env in the profile"
            advice = f"It wants another key: see {wanted}"
        elif status == 404:
            advice = (
                f"Is ${choice.base_url_env} the address of the service itself, and ${choice.datastore_url_env} that"
            )
            advice += " of its data store with /v1/hf at the end?"
        elif status == 422:
            advice = "It refuses the config: is it of a version that nemo-microservices 1.5 fits?"
        else:
            advice = ""
        return BackendError(f"{self.place} does not {task}. {failure.words}. {advice}".strip())


def pause_longer(pause: float) -> float:
    """Give the seconds to wait after having waited `pause`, or not at all yet."""
    return min(max(FIRST_PAUSE, pause * GROWTH), LONGEST_PAUSE)
