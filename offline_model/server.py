"""The HTTP side: OpenAI's chat endpoint, on loopback only."""

import asyncio
import json
import time
from collections import Counter
from hashlib import blake2b
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from offline_model.answer import answer_messages
from offline_model.errors import PromptError
from offline_model.options import Options

MODEL = "offline-model"
LARGEST_BODY = 1 << 20  # bytes; a prompt of the pipeline has about 6,000
CHARACTERS_PER_TOKEN = 4  # an estimate for `usage` and `max_tokens`, as nothing here has tokens


def make_app(options: Options) -> Starlette:
    """Make the application; it counts the chat requests it answered, by the role that was played.

    Any model name is accepted, since the task's heading decides which role answers.
    """
    counts = Counter[str](generator=0, judge=0, refiner=0, other=0)

    async def complete_chat(request: Request) -> JSONResponse:
        payload = await _read_payload(request)
        if options.latency:
            await asyncio.sleep(options.latency)
        try:
            answer = answer_messages(payload.get("messages"), options)
        except PromptError as exc:
            raise HTTPException(400, str(exc)) from exc
        counts[answer.role] += 1
        return JSONResponse(_write_completion(payload, answer.text))

    async def list_models(_: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "nobody"}]})

    async def tell_health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "requests": dict(counts)})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", complete_chat, methods=["POST"]),
            Route("/v1/models", list_models),
            Route("/health", tell_health),
        ],
        exception_handlers={HTTPException: _write_error},
    )


async def _read_payload(request: Request) -> dict[str, Any]:
    body, size = bytearray(), 0
    async for chunk in request.stream():  # read to the end even when too large, or the client never sees the answer
        size += len(chunk)
        if size <= LARGEST_BODY:
            body += chunk
    if size > LARGEST_BODY:
        raise HTTPException(413, f"the body has {size} bytes; the limit is {LARGEST_BODY}")
    try:
        payload = json.loads(body)
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
    return JSONResponse({"error": error}, status_code=exc.status_code)
