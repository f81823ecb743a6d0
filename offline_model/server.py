"""The HTTP side: OpenAI's chat endpoint, on loopback only."""

import asyncio
import json
import time
from collections import Counter
from hashlib import blake2b
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from offline_model.answer import answer_messages
from offline_model.errors import PromptError
from offline_model.options import Options
from offline_model.tasks.registry import find_tasks

MODEL = "offline-model"
LARGEST_BODY = 1 << 20  # bytes; a prompt of the pipeline has about 6,000
LARGEST_REST = 1 << 20  # bytes beyond it that are still read: a client that is cut off while it sends sees no answer
BODY_SECONDS = 30  # within which the whole of it must be there
HOSTS = ("127.0.0.1", "localhost")
CHAT = "/v1/chat/completions"  # the one place with a body
CLOSE = {"Connection": "close"}  # whatever else arrives belongs to this request
CHARACTERS_PER_TOKEN = 4  # an estimate for `usage` and `max_tokens`, as nothing here has tokens


def make_app(options: Options) -> Starlette:
    """Make the application; it counts the chat requests it answered, by the role that was played.

    Any model name is accepted, since the task's heading decides which role answers.
    """
    find_tasks()  # a fault among them is told at once, not at the first prompt
    counts = Counter[str](generator=0, judge=0, refiner=0, other=0)

    async def complete_chat(request: Request) -> JSONResponse:
        payload = await _read_payload(request)
        if options.latency:
            await asyncio.sleep(options.latency)
        try:
            answer = answer_messages(payload.get("messages"), options, request.app.state.disguise)
        except PromptError as exc:
            raise HTTPException(400, str(exc)) from exc
        counts[answer.role] += 1
        return JSONResponse(_write_completion(payload, answer.text))

    async def list_models(_: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "nobody"}]})

    async def tell_health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "requests": dict(counts)})

    app = Starlette(
        routes=[
            Route(CHAT, complete_chat, methods=["POST"]),
            Route("/v1/models", list_models),
            Route("/health", tell_health),
        ],
        middleware=[Middleware(_Door)],
        exception_handlers={HTTPException: _write_error},
    )
    app.state.disguise = None  # of the run that it answers, once it is told
    return app


class _Door:
    """Refuses requests to another host, and bodies that nobody would read.

    A page in a browser can make its own name point at the loopback; a server throws a body away that is not read, for
    as long as it comes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = _find_refusal(scope) if scope["type"] == "http" else None
        if error is None:
            await self._app(scope, receive, send)
        else:
            await _write_error(Request(scope), error)(scope, receive, send)


def _find_refusal(scope: Scope) -> HTTPException | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if host.rpartition(":")[0] not in HOSTS and host not in HOSTS:
        return HTTPException(421, f"the offline model answers to {' and '.join(HOSTS)} only", CLOSE)
    has_body = "transfer-encoding" in headers or headers.get("content-length", "").strip("0") != ""
    if has_body and (scope["method"], scope["path"]) != ("POST", CHAT):
        return HTTPException(400, f"only POST {CHAT} takes a body; send the request without one", CLOSE)
    return None


async def _read_body(request: Request) -> bytes:
    """Read the body, or no more of it than shows that it is too large.

    Raises:
        HTTPException: It is too large, or does not come to its end.
    """
    announced = request.headers.get("content-length", "")
    body, size = bytearray(), 0
    if not announced.isdecimal() or int(announced[:20]) <= LARGEST_BODY + LARGEST_REST:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size <= LARGEST_BODY:
                        body += chunk
                    elif size > LARGEST_BODY + LARGEST_REST:
                        break
        except TimeoutError as exc:
            raise HTTPException(408, f"the body did not arrive within {BODY_SECONDS} s", CLOSE) from exc
        except ClientDisconnect as exc:
            raise HTTPException(400, "the body was cut off", CLOSE) from exc
        if size <= LARGEST_BODY:
            return bytes(body)
    found = f"has {announced} bytes" if announced else f"has more than {LARGEST_BODY} bytes"
    raise HTTPException(413, f"the body {found}; the limit is {LARGEST_BODY}", CLOSE)


async def _read_payload(request: Request) -> dict[str, Any]:
    body = await _read_body(request)
    try:
        payload = json.loads(body)
        json.dumps(payload, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        raise HTTPException(400, f"the body has half a character, {exc.object[exc.start]!a}: send whole ones") from exc
    except (ValueError, RecursionError) as exc:
        raise HTTPException(400, f"the body is not JSON: {exc}") from exc
    if not isinstance(payload, dict) or not isinstance(payload.get("model"), str):
        raise HTTPException(400, "the body must be a JSON object with a `model` (any name) and `messages`")
    if payload.get("stream"):
        raise HTTPException(400, "the offline model does not stream; send the request without `stream`")
    return payload


def _write_completion(payload: dict[str, Any], text: str) -> dict[str, Any]:
    asked = json.dumps(payload["messages"])
    limit = payload.get("max_completion_tokens") or payload.get("max_tokens")
    finish = "stop"
    if isinstance(limit, int) and 0 < limit < _count_tokens(text):
        text, finish = text[: limit * CHARACTERS_PER_TOKEN], "length"
    usage = {"prompt_tokens": _count_tokens(asked), "completion_tokens": _count_tokens(text)}
    return {
        "id": f"chatcmpl-{blake2b((asked + text).encode(), digest_size=12).hexdigest()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": payload["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {**usage, "total_tokens": sum(usage.values())},
    }


def _count_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _write_error(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    kind = "invalid_request_error"
    error = {"message": exc.detail, "type": kind, "param": None, "code": None}
    return JSONResponse({"error": error}, status_code=exc.status_code, headers=exc.headers)
