"""The client against a server on the loopback: what it sends, what it gives back, and its words for errors."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from jobs.library.http_client import PooledClient, find_proxy

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + b'{"a": 1}'


@asynccontextmanager
async def serve(answer: Answer) -> AsyncIterator[str]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(line.split(": ")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length"))
    return head, await reader.readexactly(length)


def post(sent: bytes, payload: object = None) -> Any:
    """Post once to a server that answers with some bytes and hangs up."""

    async def run() -> Any:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(sent)
            writer.close()

        async with serve(answer) as url:
            client = PooledClient(4)
            try:
                return await client.post(url, json=payload, headers={"Authorization": "Bearer k"}, timeout=None)
            finally:
                await client.aclose()

    return asyncio.run(run())


def test_connection_is_used_again_and_the_request_is_whole() -> None:
    heads: list[str] = []
    bodies: list[object] = []
    connections: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        for _ in range(2):
            head, body = await read_request(reader)
            heads.append(head)
            bodies.append(json.loads(body))
            writer.write(OK)
        writer.close()

    async def run() -> list[Any]:
        async with serve(answer) as url:
            client = PooledClient(4)
            answers = [
                await client.post(url, json={"text": "é <b>"}, headers={"Authorization": "Bearer k"}, timeout=None)
                for _ in range(2)
            ]
            await client.aclose()
            return answers

    answers = asyncio.run(run())
    assert ([a.json() for a in answers], len(connections)) == ([{"a": 1}] * 2, 1)
    assert bodies == [{"text": "é <b>"}] * 2
    assert all("Content-Type: application/json" in head and "Authorization: Bearer k" in head for head in heads)


def test_plain_answer_is_read_as_httpx_reads_it() -> None:
    answer = post(OK)
    assert (answer.status_code, answer.json()) == (200, httpx.Response(200, content=b'{"a": 1}').json())
    with pytest.raises(ValueError, match="Expecting value"):
        post(OK.replace(b'{"a": 1}', b"<b>no</b>"[:8])).json()


def test_status_and_headers_come_as_they_are_and_no_redirect_is_followed() -> None:
    busy = post(b"HTTP/1.1 429 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait")
    assert (busy.status_code, busy.headers["retry-after"], busy.text) == (429, "7", "wait")
    moved = post(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    assert (moved.status_code, moved.headers["location"]) == (302, "http://127.0.0.1:9/")


def test_compressed_answer_is_read() -> None:
    body = gzip.compress(b'{"a": 1}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    assert post(head.encode() + body).json() == {"a": 1}


@pytest.mark.parametrize(
    ("sent", "error", "words"),
    [
        (b"", httpx.ReadError, "the connection broke"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", httpx.ReadError, "the connection broke"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", httpx.RemoteProtocolError, "what came is no HTTP"),
    ],
)
def test_broken_answer_is_said_in_httpx_words(sent: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        post(sent)


def test_refused_connection_names_host_port_and_cause() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def run() -> None:
        client = PooledClient(1)
        try:
            await client.post(f"http://127.0.0.1:{port}/v1", json={}, headers={}, timeout=None)
        finally:
            await client.aclose()

    with pytest.raises(httpx.ConnectError, match=rf"no connection to 127.0.0.1:{port} \(Connection refused\)"):
        asyncio.run(run())


def test_payload_that_is_no_json_is_not_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        post(OK, {"temperature": float("nan")})


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.example/v1", "http://proxy:3128"),
        ("http://api.example/v1", "http://plain:8080"),
        ("https://inside.corp:8443/v1", None),
        ("http://localhost:8000/v1", None),
        ("http://127.0.0.1:8000/v1", None),
        ("http://[::1]:8000/v1", None),
    ],
)
def test_proxy_is_the_environments_and_never_on_the_way_to_loopback(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None
) -> None:
    for name, value in {"HTTPS_PROXY": "http://proxy:3128", "HTTP_PROXY": "plain:8080", "NO_PROXY": ".corp"}.items():
        monkeypatch.setenv(name, value)
        monkeypatch.delenv(name.lower(), raising=False)
    assert find_proxy(url) == proxy


def test_request_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[str] = []

    async def run() -> Any:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append((await read_request(reader))[0])
            writer.write(OK)
            writer.close()

        async with serve(answer) as proxy:
            monkeypatch.setenv("http_proxy", proxy.removesuffix("/v1"))
            client = PooledClient(4)
            try:
                return await client.post("http://api.invalid/v1", json={}, headers={}, timeout=None)
            finally:
                await client.aclose()

    assert asyncio.run(run()).json() == {"a": 1}
    assert heads[0].startswith("POST http://api.invalid/v1 ")
