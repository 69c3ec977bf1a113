"""Faults in which it is certain whether something was sent: fifty times on each channel, all channels at once."""

from __future__ import annotations

import asyncio
import ssl
from itertools import count
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import YES, want
from ringback_support.wire_server import Reply, Request, WireServer, reply, wire_server
from tests.faults.authority import Authority
from tests.faults.tries import House, Try, by_content, documented, doubles, house, number_of

from ringback.errors import Refused
from ringback.model.outbound import Channel
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Sandbox

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

TRIES = 50
NUMBERS = count(1)
ALL = TRIES * len(Channel)
TWICE_LATER = "+15550100004"
NOTHING = "It failed; nothing reached the recipient."


async def everywhere(place: House, kind: str, strikes: int) -> list[Try]:
    """Fifty tries on each channel at once, of which so many requests are struck."""
    place.sandbox.post("/sandbox/faults", {"next": strikes, "kind": kind})
    parts = await asyncio.gather(*(place.tries(channel, TRIES, at_once=TRIES) for channel in Channel))
    return [each for part in parts for each in part]


# -- 429 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["429", "429-bare"])
async def test_a_carrier_that_says_later_each_time_gets_three_requests_and_takes_nothing(
    sandbox: Sandbox, home: Path, kind: str
) -> None:
    async with house(home, sandbox) as place:
        tried = await everywhere(place, kind, 3 * ALL)
        told = {(each.receipt.status, each.receipt.reason, each.receipt.summary) for each in tried}
        assert told == {("failed", "carrier_rate_limited", NOTHING)}
        assert (place.arrived(), place.asked("POST")) == ({}, 3 * ALL)


async def test_where_the_carrier_says_later_to_some_each_receipt_tells_what_its_record_holds(
    sandbox: Sandbox, home: Path
) -> None:
    async with house(home, sandbox) as place:
        tried = await everywhere(place, "429-bare", ALL)
        taken = [each for each in tried if each.receipt.status != "failed"]
        assert {(each.receipt.status, each.receipt.reason) for each in taken} <= {("queued", None), ("sent", None)}
        assert {each.receipt.reason for each in tried if each not in taken} <= {"carrier_rate_limited"}
        assert len(taken) >= ALL / 2
        assert sorted(place.arrived().values()) == sorted(by_content(taken))
        assert place.asked("POST") == ALL + len(taken)


async def test_the_pause_that_the_carrier_asks_for_is_kept_and_then_each_send_is_taken_once(
    sandbox: Sandbox, home: Path
) -> None:
    async with house(home, sandbox) as place:

        async def one(channel: Channel, number: int) -> Receipt:
            waiting = await want(place.ringback.telephone, channel, TWICE_LATER, f"{channel} number {number}")
            return await place.ringback.person.answer(waiting.id, YES)

        wishes = [one(channel, number) for channel in Channel for number in range(TRIES)]
        assert {(receipt.status, receipt.reason) for receipt in await asyncio.gather(*wishes)} == {("queued", None)}
        arrived = list(place.arrived().values())
        assert (len(arrived), doubles(arrived), place.asked("POST")) == (ALL, [], 3 * ALL)


# -- no connection ---------------------------------------------------------------------------------------------------


def answer(request: Request) -> Reply:
    if request.method == "GET":
        return reply(200, {"enabled": True, "phone_number": None, "capabilities": ["sms", "mms", "voice"]})
    return reply(201, {"id": f"msg_{next(NUMBERS)}", "status": "queued"})


async def outcomes(home: Path, server: WireServer, between: Callable[[], None]) -> list[Receipt]:
    """Fifty wishes on each channel and a yes to each; `between` happens after the check and before the first post."""
    settings = Settings(home=home, carrier="thinkfleetbot", saas_api_url=server.url, saas_api_key="key")
    async with open_ringback(settings) as ringback:
        waiting = [await wish(ringback, channel, place) for channel in Channel for place in range(TRIES)]
        between()
        return list(await asyncio.gather(*(ringback.person.answer(each.id, YES) for each in waiting)))


async def wish(ringback: Ringback, channel: Channel, place: int) -> Receipt:
    return await want(ringback.telephone, channel, number_of(channel, place), f"{channel} number {place}")


async def test_a_refused_connection_sent_nothing_and_says_so(home: Path) -> None:
    async with wire_server(answer) as server:
        receipts = await outcomes(home, server, server.stop_listening)
        told = {(receipt.status, receipt.reason, receipt.summary) for receipt in receipts}
        assert told == {("failed", "carrier_unreachable", NOTHING)}
        assert (len(receipts), server.posts()) == (ALL, [])


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The one authority that the machine trusts."""
    authority = Authority(tmp_path, "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    return authority


def tls() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


async def test_a_certificate_that_nobody_vouches_for_any_more_gets_no_text_and_no_key(
    home: Path, tmp_path: Path, trusted: Authority
) -> None:
    stranger, context = Authority(tmp_path, "stranger"), trusted.certify(tls())
    async with wire_server(answer, tls=context) as server:
        receipts = await outcomes(home, server, lambda: stranger.certify(context) and None)
        told = {(receipt.status, receipt.reason, receipt.summary) for receipt in receipts}
        assert told == {("failed", "carrier_unreachable", NOTHING)}
        assert (len(receipts), server.posts()) == (ALL, [])
        assert [request.path for request in server.requests] == ["/api/agents/me/telephony"]


async def test_a_certificate_that_is_vouched_for_is_believed(home: Path, trusted: Authority) -> None:
    async with wire_server(answer, tls=trusted.certify(tls())) as server:
        receipts = await outcomes(home, server, lambda: None)
        assert {(receipt.status, receipt.reason) for receipt in receipts} == {("queued", None)}
        assert len(server.posts()) == ALL


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_that_nobody_ever_vouched_for_is_not_even_asked_for_the_line(
    home: Path, tmp_path: Path
) -> None:
    async with wire_server(answer, tls=Authority(tmp_path, "stranger").certify(tls())) as server:
        with pytest.raises(Refused) as caught:
            await outcomes(home, server, lambda: None)
        assert (caught.value.rule, server.requests) == ("enabled_unknown", [])


def test_the_document_says_of_exactly_these_reasons_that_nothing_was_sent() -> None:
    certain = documented("Nothing was sent")
    assert {"carrier_rate_limited", "carrier_unreachable"} <= certain
    assert "enabled_unknown" in documented("could not be asked")
