"""Every answer of a round that has not ended: a job that is run again asks only for what it has no answer to."""

import gzip
import json
import os
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from files.append_file import AppendFile, read_lines
from files.hashes import hash_file, record_replacing, remove_recorded
from files.whole_file import free_partial, make_folder, sync_folder
from jobs.library.answers import build_error, build_response, describe_error, describe_response, flatten_response
from jobs.reading.answer import Answer
from jobs.request import Request, Send, name_error

FINAL_ERRORS = frozenset({"bad_request", "client_error", "context_window_exceeded", "unprocessable_entity"})
"""Kinds of errors that say something about the prompt: the same one would only fail again."""

Cell = tuple[str, str, int]


class _Kept(NamedTuple):
    digest: str
    outcome: dict[str, Any]


class AnswerJournal:
    """A step that writes down every answer, and answers from what is written down.

    Each job has a file, `<round>/answers_<stage>.jsonl`, which goes once its round has settled. An answer serves the
    cell, the place in its conversation, the model and the messages that it was given to, and no other.
    """

    def __init__(
        self, rounds: Path, *, trace: Path | None = None, tell: Callable[[Request, Answer], None] = lambda *_: None
    ) -> None:
        """Keep answers below `rounds`; with a `trace` folder, their prompts too, and all of it there in the end.

        `tell` is told of each answer that came.
        """
        self._rounds = rounds
        self._tell = tell
        self._trace = trace
        self._ended = False
        self._job: str | None = None
        self._file: AppendFile | None = None
        self._kept: dict[Cell, _Kept] = {}

    async def __call__(self, request: Request, send: Send) -> Any:
        """Answer from the journal, or send and write down what came.

        Raises:
            StorageError: the answer came, but the disk does not take it.
            Exception: the request failed, now or when it was first sent.
        """
        if request.row_id is None or self._ended:  # a question whether the model is there wants an answer of today
            return await send()
        if request.job != self._job:
            self._open(request.job)
        cell, digest = (request.row_id, request.column, request.number), hash_request(request)
        kept = self._kept.get(cell)
        if kept is not None and kept.digest == digest:
            if "error" in kept.outcome:
                raise build_error(kept.outcome["error"])
            return build_response(kept.outcome["answer"])
        try:
            response = await send()
        except Exception as exc:
            error = describe_error(exc)
            final = error is not None and error["kind"] in FINAL_ERRORS
            if final or self._trace is not None:
                told = error or {"kind": name_error(exc), "message": str(exc)}
                self._write(request, digest, {"error": told, "final": final})
            raise
        if (answer := describe_response(response)) is not None:
            self._write(request, digest, {"answer": answer})
            self._tell(request, flatten_response(response))
        return response

    def forget(self, requests: Sequence[Request]) -> None:
        """Keep no refusal of these requests, so that they are sent again when the run goes on."""
        for request in requests:
            if request.row_id is not None and request.job == self._job:
                self._kept.pop((request.row_id, request.column, request.number), None)
                told = {
                    "kind": "refused_in_a_row",
                    "message": "refused like any other: sent again when the run goes on",
                }
                self._write(request, hash_request(request), {"error": told, "final": False})

    def close_settled(self) -> None:
        """Drop the answers of rounds that have settled; with a trace they are kept there, compressed."""
        for path in sorted(self._rounds.glob("*/answers_*.jsonl")):
            if (path.parent / "settled.parquet").exists():
                self.close()
                if self._trace is not None:
                    name = f"{path.parent.name}_{path.stem.removeprefix('answers_')}.jsonl.gz"
                    _compress(path, self._trace / name, self._rounds.parent)
                remove_recorded(path, self._rounds.parent)

    def close(self) -> None:
        """Close the file of the job that ran last; the next request opens its own."""
        file, self._file, self._job, self._kept = self._file, None, None, {}
        if file is not None:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self.close()

    def _open(self, job: str) -> None:
        self.close()
        number, _, stage = job.partition("_")
        path = self._rounds / number / f"answers_{stage}.jsonl"
        make_folder(path.parent)
        self._file = AppendFile(path, recorded_in=self._rounds.parent)
        self._kept = _read_kept(path)
        self._job = job

    def _write(self, request: Request, digest: str, outcome: dict[str, Any]) -> None:
        entry: dict[str, Any] = {
            "row_id": request.row_id,
            "column": request.column,
            "number": request.number,
            "digest": digest,
            **outcome,
        }
        if outcome.get("final", True):
            self._kept[request.row_id or "", request.column, request.number] = _Kept(digest, entry)
        if self._trace is not None:
            at, messages = datetime.now(UTC).isoformat(timespec="milliseconds"), [m.to_dict() for m in request.messages]
            sent = {
                "model": request.sending.model or request.model,
                "seconds": round(request.sending.seconds or 0.0, 6),
            }
            entry = {"at": at, **sent, "messages": messages, "job": request.job, "role": request.role, **entry}
        if self._file is not None:
            self._file.append(json.dumps(entry))


def hash_request(request: Request) -> str:
    """Hash what an answer is an answer to: model, role and messages."""
    digest = blake2b(f"{request.model}\0{request.role}".encode(), digest_size=16)
    for message in request.messages:
        content = message.content if isinstance(message.content, str) else json.dumps(message.content)
        digest.update(f"\0{message.role}\0{content}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def is_entry(entry: Any) -> bool:
    """Tell whether a line's content is an answer, or an error, as a journal writes it."""
    try:
        outcome = entry["answer"] if "answer" in entry else entry["error"]
        named = [entry["row_id"], entry["column"], entry["digest"]]
        if not all(isinstance(each, str) for each in named) or type(entry["number"]) is not int:
            return False
        if "answer" in entry:
            texts = (outcome["content"], outcome["reasoning"], outcome["finish_reason"])
            return build_response(outcome) is not None and all(isinstance(text, str | None) for text in texts)
        return not entry.get("final", True) or build_error(outcome) is not None
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def _read_kept(path: Path) -> dict[Cell, _Kept]:
    """Read what a journal may answer with; prompts stay in the file, and what failed in the end is not kept."""
    kept: dict[Cell, _Kept] = {}
    for entry in read_lines(path):
        cell = entry["row_id"], entry["column"], entry["number"]
        if entry.get("final", True):
            kept[cell] = _Kept(entry["digest"], {name: value for name, value in entry.items() if name != "messages"})
        else:
            kept.pop(cell, None)
    return kept


def _compress(source: Path, target: Path, folder: Path) -> None:
    """Compress a file so that the target, in `folder`, is whole or not there."""
    make_folder(target.parent)
    partial = free_partial(target)
    with source.open("rb") as plain, partial.open("xb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
            shutil.copyfileobj(plain, packed, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    with record_replacing({target: hash_file(partial)}, folder):
        partial.replace(target)
        sync_folder(target.parent)
