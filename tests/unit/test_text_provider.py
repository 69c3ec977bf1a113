"""The endpoint for a voice agent elsewhere: whom it may text, and who else may not use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from ringback_support.installation import TO, YES, allow, edit, opened, want

from ringback.ledger.endpoints import new_secret
from ringback.model.outbound import Channel, Report
from ringback.model.status import Status
from ringback.rotation import rotate
from ringback.settings import Settings
from ringback_server.webhooks import build

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ringback_support.fakes import FakeCarrier

    from ringback.opening import Ringback

SECRET = new_secret()
TEXT = "Your appointment is confirmed for March 10 at 2:00 PM."


class Door:
    """Posts to the endpoint."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def post(self, body: object = None, *, secret: str | None = SECRET, **more: Any) -> httpx2.Response:
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        content = body if isinstance(body, bytes) else json.dumps(body or {"to": TO, "message": TEXT}).encode()
        return await self.client.post("/thinnest/sms", content=content, headers=headers, **more)


@pytest.fixture
async def door(ringback: Ringback) -> AsyncIterator[Door]:
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def using() -> AsyncIterator[Ringback]:
        yield ringback

    await ringback.ledger.endpoints.put("thinnest", SECRET)
    transport = httpx2.ASGITransport(build(using, "https://ringback.example"))
    async with httpx2.AsyncClient(transport=transport, base_url="https://ringback.example") as client:
        yield Door(client)


@pytest.fixture
async def call(ringback: Ringback, carrier: FakeCarrier) -> str:
    """A call that was answered."""
    waiting = await want(ringback.telephone, Channel.VOICE)
    await ringback.person.answer(waiting.id, YES)
    carrier.reports["id-1"] = Report(Status.IN_PROGRESS)
    return waiting.id


async def sent(ringback: Ringback) -> int:
    """How many texts the ledger knows of."""
    return sum(item.channel == "sms" for item in (await ringback.telephone.history()).items)


@pytest.mark.usefixtures("call")
async def test_during_a_call_the_text_waits_for_a_person_and_goes_after_their_yes(
    ringback: Ringback, carrier: FakeCarrier, door: Door
) -> None:
    answer = await door.post()
    assert (answer.status_code, answer.json()["status"]) == (202, "awaiting_approval")
    question = await ringback.person.question(answer.json()["id"])
    assert (question.text, question.asked_by) == (TEXT, "thinnest during a call")
    await ringback.person.answer(question.id, YES)
    assert [wish.text for wish in carrier.sent][1:] == [TEXT]


async def test_an_allowed_number_gets_it_at_once_without_a_call(
    ringback: Ringback, carrier: FakeCarrier, door: Door
) -> None:
    await allow(ringback)
    answer = await door.post()
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert [wish.text for wish in carrier.sent] == [TEXT]


async def test_any_other_number_is_refused_and_nothing_is_stored(ringback: Ringback, door: Door) -> None:
    answer = await door.post()
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_on_call")
    assert await sent(ringback) == 0


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.QUEUED, Status.NO_ANSWER])
async def test_a_call_that_is_not_going_on_is_none(
    ringback: Ringback, carrier: FakeCarrier, door: Door, call: str, status: Status
) -> None:
    assert call
    carrier.reports["id-1"] = Report(status)
    assert (await door.post()).status_code == 403
    assert await sent(ringback) == 0


@pytest.mark.usefixtures("call")
async def test_a_call_to_somebody_else_opens_nothing(ringback: Ringback, door: Door) -> None:
    assert (await door.post({"to": "+14155550199", "message": TEXT})).status_code == 403
    assert await sent(ringback) == 0


async def test_the_same_text_again_is_sent_once(ringback: Ringback, carrier: FakeCarrier, door: Door) -> None:
    await allow(ringback)
    first, again = await door.post(), await door.post()
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert len(carrier.sent) == 1


@pytest.mark.usefixtures("call")
async def test_whoever_a_person_took_over_is_left_alone(ringback: Ringback, door: Door) -> None:
    await ringback.person.conversations.take_over(TO, via="page")
    answer = await door.post()
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "human_takeover")
    assert await sent(ringback) == 0


@pytest.mark.parametrize("secret", [None, "", "x", SECRET[:-1], SECRET + "x", "\x7f"], ids=range(6))
@pytest.mark.usefixtures("call")
async def test_without_the_secret_nothing_happens(ringback: Ringback, door: Door, secret: str | None) -> None:
    answer = await door.post(secret=secret)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "wrong_secret")
    assert await sent(ringback) == 0


async def test_before_a_secret_is_made_the_door_is_shut(ringback: Ringback, door: Door) -> None:
    assert await ringback.ledger.endpoints.drop("thinnest")
    for secret in ("", SECRET):
        assert (await door.post(secret=secret)).status_code == 401


async def test_a_new_secret_ends_the_earlier_one(ringback: Ringback, door: Door) -> None:
    await ringback.ledger.endpoints.put("thinnest", other := new_secret())
    assert (await door.post()).status_code == 401
    assert (await door.post(secret=other)).status_code == 403


async def test_a_row_that_something_else_wrote_opens_nothing(ringback: Ringback, door: Door, home: Path) -> None:
    edit(home, "UPDATE endpoint_secret SET sealed = ?", b"x" * 60)
    assert (await door.post()).status_code == 401


async def test_the_secret_outlives_a_change_of_the_key(home: Path, carrier: FakeCarrier) -> None:
    async with opened(home, carrier) as ringback:
        await ringback.ledger.endpoints.put("thinnest", SECRET)
    rotate(Settings(home=home))
    async with opened(home, carrier) as ringback:
        assert await ringback.ledger.endpoints.fits("thinnest", SECRET)
        assert not await ringback.ledger.endpoints.fits("thinnest", "")


BROKEN: list[Any] = [
    b"",
    b"[]",
    b"{",
    b"\xff",
    b'{"to": "%b", "to": "+14155550199", "message": "x"}' % TO.encode(),
    {"to": TO},
    {"to": TO, "message": 5},
    {"to": [TO], "message": "x"},
    {"to": TO, "message": " "},
    {"to": TO, "message": "x" * 1601},
    {"to": "202 555 0188", "message": "x"},
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
async def test_what_cannot_be_read_is_told_without_the_number(
    ringback: Ringback, door: Door, caplog: pytest.LogCaptureFixture, body: object
) -> None:
    await allow(ringback)
    answer = await door.post(body)
    assert answer.status_code == 422
    for told in (answer.text, caplog.text):
        assert not any(digits in told.replace(" ", "").replace("-", "") for digits in ("5550188", "5550199"))
    assert await sent(ringback) == 0


async def test_a_body_that_is_too_large_is_not_read(door: Door) -> None:
    assert (await door.post(b" " * 16_385)).status_code == 413


@pytest.mark.usefixtures("call")
async def test_no_answer_holds_the_number_or_the_text(
    ringback: Ringback, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    told = [(await door.post()).text, (await door.post({"to": "+14155550199", "message": TEXT})).text]
    await allow(ringback)
    told += [(await door.post({"to": TO, "message": "Something else."})).text, caplog.text]
    for each in told:
        assert "0123" not in each
        assert "0199" not in each
        assert "March" not in each


async def test_a_carrier_that_fails_is_told_as_such(ringback: Ringback, carrier: FakeCarrier, door: Door) -> None:
    from ringback.errors import CarrierRejected

    await allow(ringback)
    carrier.outcomes.append(CarrierRejected("No."))
    answer = await door.post()
    assert (answer.status_code, answer.json()["status"]) == (502, "failed")
