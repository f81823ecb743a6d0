"""Who may ask, how often, and how much: token, host, rate, size."""

import hmac
import os
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

LARGEST_BODY = 64 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FREE = ("/healthz",)

Next = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Guard:
    """What holds for every request. `token_env` names the variable that holds the token; None = loopback only."""

    token_env: str | None = None
    per_minute: int = 100

    def build(self) -> Callable[[Request, Next], Awaitable[Response]]:
        """Build the middleware."""
        limiter, rate = MovingWindowRateLimiter(MemoryStorage()), parse(f"{self.per_minute}/minute")
        token = None if self.token_env is None else os.environ.get(self.token_env, "")

        async def guard(request: Request, call_next: Next) -> Response:
            path, client = request.url.path, request.client.host if request.client else "unknown"
            if path in FREE:
                return await call_next(request)
            if token is None and (request.url.hostname or "") not in (*LOOPBACK, "testserver"):
                return refuse(403, "this service answers to 127.0.0.1 and localhost only")
            if path.startswith("/v1") and not limiter.hit(rate, client):
                wait = max(1, round(limiter.get_window_stats(rate, client).reset_time - time.time()))
                return refuse(429, f"more than {self.per_minute} requests a minute", retry_after=wait)
            if token is not None and not _is_allowed(request, token):
                return refuse(401, "a token is needed: Authorization: Bearer TOKEN")
            if request.method == "POST" and (reply := await _check_body(request)) is not None:
                return reply
            return await call_next(request)

        return guard


def _is_allowed(request: Request, token: str) -> bool:
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    given = sent.encode("latin-1") if scheme.lower() == "bearer" else unquote(request.cookies.get("token", "")).encode()
    is_page = request.method == "GET" and (request.url.path == "/" or request.url.path.startswith("/pages/"))
    return is_page or hmac.compare_digest(given, token.encode())


async def _check_body(request: Request) -> Response | None:
    """Refuse a body that is too large before it is read whole, and one that a foreign page could send unasked."""
    length = request.headers.get("content-length") or "0"
    if not re.fullmatch("[0-9]{1,9}", length) or int(length) > LARGEST_BODY or "transfer-encoding" in request.headers:
        return refuse(413, f"a body of at most {LARGEST_BODY:,} bytes with its length is taken")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return refuse(415, "the body must be application/json")
    return None


def refuse(status: int, message: str, retry_after: int | None = None, **more: Any) -> JSONResponse:
    """Give a refusal as every other: JSON with one sentence."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": message, **more}, status, headers)
