"""A takeover on the console against two servers that send and tend: real processes, judged by the carrier's record."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from tests.conftest import launch_sandbox
from tests.e2e.console.attempts import FORM
from tests.e2e.console.conftest import TO, Console, Installation, send

from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.opening import open_ringback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

SENDS = SCHEDULED = 100
LATE = 10
ENOUGH = 1000  # no send is held back by a lack of uses
LIMIT_S = 90
GONE_OUT = {"accepted", "queued", "sent", "delivered"}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    home = tmp_path / "home"
    made = Installation(home, launch_sandbox(home / "sandbox", "--memory", "--rate", "0"))
    yield made
    made.end()


@asynccontextmanager
async def assistant(installation: Installation) -> AsyncIterator[Client]:
    """MCP's own client on a server process of its own."""
    arguments = ["-m", "ringback_server", "mcp"]
    server = StdioServerParameters(command=sys.executable, args=arguments, env=installation.environment)
    with (installation.home.parent / "server.log").open("a") as log:
        async with Client(stdio_client(server, log)) as client:
            yield client


async def prepare(installation: Installation, due: datetime) -> str:
    """A recipient who is allowed, and a hundred texts to them that are scheduled for one moment; the reference."""
    async with open_ringback(installation.settings) as opened:
        await opened.person.allow(
            TO, Channel.SMS, level=Level.A2, via="page", seconds=3600, count=10 * (SENDS + SCHEDULED)
        )
        for number in range(SCHEDULED):
            receipt = await opened.telephone.send_sms(TO, f"scheduled {number}", send_at=due.isoformat())
            assert receipt.status == "scheduled"
        return receipt.contact


def take_over(console: Console, contact: str, page: Any) -> datetime:
    """Press the button; when the console had answered."""
    host, cookie = ("Host", console.host), ("Cookie", page.cookies[0].partition(";")[0])
    body = urlencode({"csrf": page.hidden("csrf")}).encode()
    headers = [host, cookie, ("Origin", console.url.rstrip("/")), ("Content-Type", FORM)]
    length = ("Content-Length", str(len(body)))
    answer = send(console.port, "POST", f"/conversations/{contact}/take", [*headers, length], body)
    answered = datetime.now(UTC)
    assert answer.status == 303
    return answered


async def until_taken(installation: Installation, count: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while len(await asyncio.to_thread(installation.sandbox.messages)) < count:
            pass


async def sent_by(client: Client, number: int) -> str | None:
    """The rule by which a send was refused, if it was."""
    result = await client.call_tool("send-sms", {"to": TO, "body": f"at once {number}"})
    return result.content[0].text.partition("]")[0].removeprefix("[") if result.is_error else None


async def statuses(installation: Installation) -> list[str]:
    async with open_ringback(installation.settings) as opened:
        page = await opened.ledger.outbounds.page(100)
        rest = await opened.ledger.outbounds.page(100, page.cursor)
        return [record.status.value for record in (*page.records, *rest.records)]


@pytest.mark.parametrize("taken", [1, 40, 110])
async def test_nothing_of_the_agents_goes_out_after_the_console_answered_a_takeover(
    installation: Installation, taken: int
) -> None:
    console = installation.console()
    due = datetime.now(UTC) + timedelta(seconds=8)
    contact = await prepare(installation, due)
    page = send(console.port, "GET", f"/conversations/{contact}", [("Host", console.host)])

    async def act() -> tuple[datetime, list[dict[str, Any]]]:
        await until_taken(installation, taken)
        answered = await asyncio.to_thread(take_over, console, contact, page)
        return answered, await asyncio.to_thread(installation.sandbox.messages)

    async with asyncio.timeout(LIMIT_S), assistant(installation) as one, assistant(installation) as two:
        sends = [sent_by((one, two)[number % 2], number) for number in range(SENDS)]
        (answered, record), *rules = await asyncio.gather(act(), *sends)
        async with open_ringback(installation.settings) as opened:
            while datetime.now(UTC) < due + timedelta(seconds=2):  # what is scheduled has had its time, and servers
                await opened.telephone.tend()
        late = await asyncio.gather(*(sent_by((one, two)[number % 2], SENDS + number) for number in range(LATE)))
    after = await asyncio.to_thread(installation.sandbox.messages)
    assert [item["id"] for item in after] == [item["id"] for item in record]
    assert max(datetime.fromisoformat(item["created_at"]) for item in after) <= answered
    assert set(late) == {"human_takeover"}
    assert set(rules) <= {None, "human_takeover"}
    told = await statuses(installation)
    assert set(told) <= {*GONE_OUT, "cancelled", "refused"}
    assert sum(status in GONE_OUT for status in told) == len(after)
    assert taken <= len(after) < SENDS + SCHEDULED
