"""No process of ours speaks to anybody but its endpoint: by the system's own record of calls, and by a port that hears.

An audit hook sees what Python does; a library in C, or a child, may do more.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Cli
from tests.faults.endpoint import Asked, Endpoint, Reply, open_endpoint, say
from tests.faults.test_fetching import elsewhere, list_callers, read_text  # noqa: F401 - a fixture
from tests.process import TRADELOGS

from .conftest import ROOT, Place, WriteShipped

OFFLINE = sorted(
    path.stem
    for path in (ROOT / "designer_configs").glob("*.yaml")
    if yaml.safe_load(path.read_text(encoding="utf-8"))["provider"]["name"] == "offline"
)
COMMANDS = {
    "generate": ("--num", "3", "--no-report"),
    "preview": ("--num", "1"),
    "estimate": ("--estimate",),
}
CALL = re.compile(r"(connect|bind|sendto|sendmsg|sendmmsg)\((.*)")
PEER = re.compile(
    r"sa_family=AF_INET6?, .*?sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\""
)


def list_peers(trace: str) -> tuple[set[tuple[str, int]], set[int]]:
    """List whom a trace's processes spoke to, by address and port, and the ports that they took themselves."""
    spoken: set[tuple[str, int]] = set()
    taken: set[int] = set()
    for line in trace.splitlines():
        if (call := CALL.search(line)) is None:
            continue
        for port, address in PEER.findall(call[2]):
            if call[1] != "bind":
                spoken.add((address, int(port)))
    for port in re.findall(r"getsockname\(.*?sin_port=htons\((\d+)\)", trace):
        taken.add(int(port))
    return spoken, taken


def trace_command(place: Place, *arguments: object, **variables: str) -> str:
    """Run a command under strace; give the record of its calls, and of those of its children."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    record = place.folder / "calls"
    calls = "trace=connect,bind,sendto,sendmsg,sendmmsg,getsockname"
    under = ["strace", "-f", "-qq", "-s", "64", "-e", calls, "-e", "signal=none", "-o", record]
    done = place.execute_cold(*arguments, under=under, **variables)
    if b"ptrace" in done.stderr and b"not permitted" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode in (0, 3), done.stderr
    return record.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_record_has_a_connection_and_a_name_that_is_looked_up(place: Place) -> None:
    code = (
        "import socket; s = socket.socket(); s.settimeout(1); s.connect_ex(('127.0.0.1', 9));"
        "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.sendto(b'x', ('127.0.0.2', 53))"
    )
    assert list_peers(trace_command(place, "-c", code))[0] == {("127.0.0.1", 9), ("127.0.0.2", 53)}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("profile", OFFLINE)
def test_an_offline_profile_speaks_to_its_own_endpoint_alone(place: Place, profile: str, command: str) -> None:
    name = "generate" if command == "estimate" else command
    out = ("--out", place.run) if command == "generate" else ()
    spoken, taken = list_peers(trace_command(place, "-c", TRADELOGS, name, profile, *COMMANDS[command], *out))
    assert {address for address, _ in spoken} <= {"127.0.0.1"}
    assert {port for _, port in spoken} <= taken
    assert command == "estimate" or len(spoken) == 1


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Give an endpoint that answers as the offline model does."""
    with open_endpoint() as endpoint:
        yield endpoint


def test_addresses_in_gold_rows_and_in_answers_are_never_fetched(
    write_shipped: WriteShipped,
    cli: Cli,
    tmp_path: Path,
    endpoint: Endpoint,
    elsewhere: Any,  # noqa: F811 - the fixture
) -> None:
    url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/chart.png"
    sample = (ROOT / "columns/stock_report/sample/news.csv").read_text(encoding="utf-8").splitlines()
    news = tmp_path / "news.csv"
    news.write_text("\n".join([sample[0], *(f"{line} ![chart]({url}) {url}" for line in sample[1:])]) + "\n")

    def script(asked: Asked) -> Reply:
        images = [{"type": "image_url", "image_url": {"url": url}}, url]
        return say(url if asked.row % 3 == 2 else read_text(asked), images=images)

    endpoint.script = script
    gold = {"bars": "gold_data/sample/bars.parquet", "news": str(news), "holdout": 0.2, "embargo": 2}
    provider = {"name": "mine", "endpoint": endpoint.url}
    profile = write_shipped(
        "stock_report_offline", {"provider": provider, "gold": gold, "run": {"accepted": 4, "max_candidates": 8}}
    )
    result = cli("generate", profile, "--num", 4, "--out", tmp_path / "run", "--no-report")
    assert result.exit_code in (0, 3), result.output
    assert any(url in str(asked.messages) for asked in endpoint.asked)
    assert list_callers(elsewhere) == []
