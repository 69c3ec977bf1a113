"""What a carrier sends by itself: believed only with its signature, counted once, and never a step back."""

from __future__ import annotations

import base64
import hmac
import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.callbacks import URL, PlainReader, plain, reply_from, signed, status_of
from ringback_support.fakes import FakeCarrier
from ringback_support.installation import YES, opened, rows, want

from ringback.carriers.sandbox_news import SandboxCallbacks
from ringback.carriers.standard_webhooks import TOLERATED_S
from ringback.errors import CallbackRejected, LedgerError, NotFound
from ringback.model.news import CallbackRequest, ReceivedText, StatusNews
from ringback.model.outbound import Acceptance, Channel, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.opening import Ringback


@pytest.fixture
def carrier() -> FakeCarrier:
    carrier = FakeCarrier()
    carrier.callbacks = SandboxCallbacks()
    return carrier


async def sent(ringback: Ringback, channel: Channel = Channel.SMS) -> str:
    """An outbound that the carrier knows as `id-1`."""
    receipt = await ringback.person.answer((await want(ringback.telephone, channel)).id, YES)
    assert receipt.status == "accepted"
    return receipt.id


def secret(ringback: Ringback) -> bytes:
    return ringback.keyring.callback_secret("sandbox")


async def tell(ringback: Ringback, clock: FakeClock, body: bytes | dict[str, Any], **headers: str) -> int:
    """A callback with a true signature of this moment; how much of it was new."""
    return await ringback.inbound.callback(
        "sandbox", signed(secret(ringback), body, clock.now().timestamp(), **headers)
    )


async def status(ringback: Ringback, outbound_id: str) -> str:
    return (await ringback.ledger.outbounds.get(outbound_id)).status.value


# -- proof -----------------------------------------------------------------------------------------------------------


async def test_a_callback_with_a_true_signature_is_stored_and_told(ringback: Ringback, clock: FakeClock) -> None:
    one = await sent(ringback)
    told = status_of("id-1", "delivered", delivered_at="2026-03-10T12:00:05+00:00")
    assert await tell(ringback, clock, told) == 1
    receipt = (await ringback.telephone.history()).as_dict()["items"]
    assert [(each["id"], each["status"], each["delivered_at"]) for each in receipt] == [  # type: ignore[attr-defined]
        (one, "delivered", "2026-03-10T12:00:05+00:00")
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": "v2," + "A" * 44},
        {"webhook_signature": "v1a,é"},
        {"webhook_id": "msg_2"},
        {"webhook_id": ""},
        {"webhook_timestamp": "1773144001"},
        {"webhook_timestamp": ""},
    ],
)
async def test_a_callback_without_its_own_signature_is_rejected_and_stores_nothing(
    ringback: Ringback, clock: FakeClock, home: Path, headers: dict[str, str]
) -> None:
    one = await sent(ringback)
    with pytest.raises(CallbackRejected):
        await tell(ringback, clock, status_of("id-1", "delivered"), **headers)
    assert await status(ringback, one) == "accepted"
    assert rows(home, "SELECT count(*) FROM callback") == [(0,)]


async def test_a_callback_without_any_header_is_rejected(ringback: Ringback) -> None:
    with pytest.raises(CallbackRejected):
        await ringback.inbound.callback("sandbox", CallbackRequest(URL, {}, b"{}"))


async def test_a_body_that_was_changed_after_it_was_signed_is_rejected(ringback: Ringback, clock: FakeClock) -> None:
    one = await sent(ringback)
    true = signed(secret(ringback), status_of("id-1", "sent"), clock.now().timestamp())
    forged = CallbackRequest(true.url, true.headers, true.body.replace(b"sent", b"delivered"))
    with pytest.raises(CallbackRejected):
        await ringback.inbound.callback("sandbox", forged)
    assert await status(ringback, one) == "accepted"


async def test_anothers_secret_proves_nothing(ringback: Ringback, clock: FakeClock) -> None:
    others = (b"", bytes(32), ringback.keyring.callback_secret("thinkfleetbot"))
    for other in others:
        with pytest.raises(CallbackRejected):
            await ringback.inbound.callback(
                "sandbox", signed(other, status_of("id-1", "delivered"), clock.now().timestamp())
            )


@pytest.mark.parametrize(
    ("off_s", "is_taken"), [(-TOLERATED_S - 1, False), (-TOLERATED_S, True), (TOLERATED_S, True), (301, False)]
)
async def test_a_signature_counts_for_five_minutes(
    ringback: Ringback, clock: FakeClock, *, off_s: float, is_taken: bool
) -> None:
    one = await sent(ringback)
    request = signed(secret(ringback), status_of("id-1", "delivered"), clock.now().timestamp() + off_s)
    if is_taken:
        assert await ringback.inbound.callback("sandbox", request) == 1
    else:
        with pytest.raises(CallbackRejected, match="too long ago"):
            await ringback.inbound.callback("sandbox", request)
    assert await status(ringback, one) == ("delivered" if is_taken else "accepted")


@pytest.mark.parametrize(
    "moment", ["now", "-1", "1e9", "²", "١٧٧٣١٤٤٠٠٠", " 1773144000", "9" * 400, "0x1", "1773144000.0"]
)
async def test_a_time_that_is_no_time_is_rejected_although_it_was_signed(ringback: Ringback, moment: str) -> None:
    mac = hmac.digest(secret(ringback), f"msg.{moment}.{{}}".encode(), "sha256")
    headers = {
        "webhook-id": "msg",
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
    with pytest.raises(CallbackRejected):
        await ringback.inbound.callback("sandbox", CallbackRequest(URL, headers, b"{}"))


async def test_one_true_signature_of_several_is_enough(ringback: Ringback, clock: FakeClock) -> None:
    await sent(ringback)
    true = signed(secret(ringback), status_of("id-1", "sent"), clock.now().timestamp())
    several = {**true.headers, "webhook-signature": f"v1,AAAA v1a,x {true.headers['webhook-signature']}"}
    assert await ringback.inbound.callback("sandbox", CallbackRequest(URL, several, true.body)) == 1


BODIES: list[bytes | dict[str, Any]] = [
    b"",
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"type": "message.status", "data": ' + b"9" * 5000 + b"}",
    {},
    {"type": "message.status"},
    {"type": "message.status", "data": []},
    {"type": "message.status", "data": {"id": 7, "status": "sent"}},
    {"type": "message.status", "data": {"id": "", "status": "sent"}},
    {"type": "message.status", "data": {"id": "x" * 129, "status": "sent"}},
    {"type": "message.status", "data": {"id": "\ud800", "status": "sent"}},
    {"type": "message.received", "data": {"id": "\ud800", "from": "\ud800", "body": "\ud800", "created_at": "x"}},
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_a_body_that_cannot_be_read_is_rejected_although_it_was_signed(
    ringback: Ringback, clock: FakeClock, home: Path, body: bytes | dict[str, Any]
) -> None:
    with pytest.raises(CallbackRejected):
        await tell(ringback, clock, body)
    assert rows(home, "SELECT count(*) FROM callback UNION ALL SELECT count(*) FROM received") == [(0,), (0,)]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "message.liked", "data": {"id": "id-1"}},
        {"type": None, "data": {"id": "id-1", "status": "delivered"}},
        {"type": ["message.status"], "data": {"id": "id-1", "status": "delivered"}},
        status_of("id-1", "no such word"),
        status_of("id-1", "draft"),
        status_of("id-1", "awaiting_approval"),
    ],
    ids=range(6),
)
async def test_what_nobody_knows_tells_nothing(ringback: Ringback, clock: FakeClock, body: dict[str, Any]) -> None:
    one = await sent(ringback)
    await tell(ringback, clock, body)
    assert await status(ringback, one) == "accepted"


HOSTILE = {
    "status": "delivered",
    "error": "\ud800 about +14155550123",
    "digits": "\ud800",
    "recording_url": "https://\ud800",
}


async def test_words_that_are_no_unicode_break_nothing(ringback: Ringback, clock: FakeClock) -> None:
    one = await sent(ringback)
    assert await tell(ringback, clock, {"type": "call.status", "data": {"id": "id-1", **HOSTILE}}) == 1
    receipt = await ringback.telephone.status(one)
    assert receipt.status == "delivered"
    assert "4155550123" not in str(receipt.as_dict())
    str(receipt.as_dict()).encode()
    for value in receipt.as_dict().values():
        str(value).encode()


async def test_a_text_that_is_no_unicode_is_stored_without_what_cannot_be(ringback: Ringback, clock: FakeClock) -> None:
    assert await tell(ringback, clock, reply_from("\ud800Bank", "a\ud800b")) == 1
    (item,) = (await ringback.telephone.history()).items
    for value in item.as_dict().values():
        str(value).encode()


# -- whose it is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["thinkfleetbot", "", "Sandbox", "../sandbox", "sandbox\n"])
async def test_a_callback_of_another_carrier_is_not_taken_here(ringback: Ringback, clock: FakeClock, name: str) -> None:
    request = signed(ringback.keyring.callback_secret(name), status_of("id-1", "sent"), clock.now().timestamp())
    with pytest.raises(NotFound):
        await ringback.inbound.callback(name, request)


async def test_a_carrier_that_documents_no_callbacks_takes_none(ringback: Ringback, carrier: FakeCarrier) -> None:
    carrier.callbacks = None
    with pytest.raises(NotFound):
        await ringback.inbound.callback("sandbox", CallbackRequest(URL, {}, b"{}"))
    assert not await ringback.inbound.subscribe(carrier, URL)
    assert carrier.subscribed is None


async def test_the_carrier_is_told_where_to_call_and_the_secret_of_this_installation_and_carrier(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    assert await ringback.inbound.subscribe(carrier, URL)
    assert carrier.subscribed == (URL, secret(ringback))
    assert len(secret(ringback)) == 32


# -- once, and forward only ------------------------------------------------------------------------------------------


@pytest.fixture
def reader(carrier: FakeCarrier) -> PlainReader:
    reader = PlainReader()
    carrier.callbacks = reader
    return reader


async def told(ringback: Ringback, *reports: Report, carrier_id: str = "id-1") -> list[int]:
    """Each report in a callback of its own; how much of each was new."""
    news = [StatusNews(carrier_id, report) for report in reports]
    return [await ringback.inbound.callback("sandbox", plain(secret(ringback), each)) for each in news]


@pytest.mark.usefixtures("reader")
async def test_a_report_that_is_repeated_counts_once(ringback: Ringback, home: Path) -> None:
    one = await sent(ringback)
    assert await told(ringback, *[Report(Status.SENT)] * 3) == [1, 0, 0]
    assert await status(ringback, one) == "sent"
    events = rows(home, "SELECT status FROM event WHERE kind = 'reported'")
    assert events == [("sent",)]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("order", list(itertools.permutations([Status.QUEUED, Status.SENT, Status.DELIVERED])))
async def test_in_whatever_order_reports_come_the_status_never_goes_back(
    ringback: Ringback, order: tuple[Status, ...]
) -> None:
    one = await sent(ringback)
    seen = []
    for each in order:
        await told(ringback, Report(each))
        seen.append(["queued", "sent", "delivered"].index(await status(ringback, one)))
    assert seen == sorted(seen)
    assert seen[-1] == 2


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("end", [Status.DELIVERED, Status.UNDELIVERED, Status.FAILED, Status.CANCELLED])
async def test_an_ending_takes_no_other_status(ringback: Ringback, end: Status) -> None:
    one = await sent(ringback)
    await told(ringback, Report(end))
    await told(ringback, *[Report(each) for each in Status if each is not end])
    assert await status(ringback, one) == end.value


@pytest.mark.usefixtures("reader")
async def test_a_later_report_that_knows_less_takes_nothing_away(ringback: Ringback) -> None:
    one = await sent(ringback, Channel.VOICE)
    full = Report(Status.COMPLETED, duration_s=42.0, keys="1#", recording_url="https://recordings.example/1")
    await told(ringback, Report(Status.IN_PROGRESS, keys="1"), full, Report(Status.COMPLETED))
    receipt = await ringback.telephone.status(one)
    assert (receipt.duration_s, receipt.keys, receipt.recording_url) == (42.0, "1#", "https://recordings.example/1")


@pytest.mark.usefixtures("reader")
async def test_a_callback_and_a_poll_of_the_same_news_agree(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path
) -> None:
    one = await sent(ringback)
    carrier.reports["id-1"] = Report(Status.DELIVERED)
    clock.move(60)
    await ringback.telephone.tend()
    await told(ringback, Report(Status.DELIVERED), Report(Status.SENT))
    await ringback.telephone.tend()
    assert await status(ringback, one) == "delivered"
    assert rows(home, "SELECT count(*) FROM event WHERE kind = 'reported'") == [(1,)]


@pytest.mark.usefixtures("reader")
async def test_one_request_may_tell_of_several_things(ringback: Ringback, carrier: FakeCarrier) -> None:
    one = await sent(ringback)
    carrier.outcomes = [Acceptance("id-2", Status.ACCEPTED)]
    waiting = await want(ringback.telephone, Channel.SMS, text="two")
    two = (await ringback.person.answer(waiting.id, YES)).id
    text = ReceivedText("in-1", "+14155550199", "Yes.", 0.0)
    news = [StatusNews("id-1", Report(Status.SENT)), StatusNews("id-2", Report(Status.DELIVERED)), text]
    request = plain(secret(ringback), *news)
    assert await ringback.inbound.callback("sandbox", request) == 3
    assert await ringback.inbound.callback("sandbox", request) == 0
    assert [await status(ringback, each) for each in (one, two)] == ["sent", "delivered"]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("what", ["status", "text"])
async def test_a_callback_that_cannot_be_stored_is_an_error_so_that_the_carrier_sends_it_again(
    ringback: Ringback, what: str
) -> None:
    one = await sent(ringback)
    news = StatusNews("id-1", Report(Status.SENT)) if what == "status" else ReceivedText("in", "Bank", "Hello.", 0.0)
    request = plain(secret(ringback), news)
    ringback.ledger.database._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerError):
        await ringback.inbound.callback("sandbox", request)
    ringback.ledger.database._connection.execute("PRAGMA query_only = OFF")
    assert await status(ringback, one) == "accepted"
    assert await ringback.person.received() == []
    assert await ringback.inbound.callback("sandbox", request) == 1


async def test_what_is_rejected_is_logged_without_its_content(
    ringback: Ringback, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(CallbackRejected) as caught:
        await tell(ringback, clock, reply_from("+14155550177", "a secret"), webhook_signature="v1,forged")
    told_of = caplog.text + str(caught.value) + repr(caught.value)
    assert "was rejected" in caplog.text
    for word in ("4155550177", "a secret", "forged"):
        assert word not in told_of


async def test_a_flood_of_rejected_callbacks_is_a_line_a_minute(
    ringback: Ringback, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for seconds in (0, 30, 29, 1, 3600):
        clock.move(seconds)
        for _ in range(5):
            with pytest.raises(CallbackRejected):
                await tell(ringback, clock, reply_from("+14155550177", "x"), webhook_signature="v1,forged")
    assert caplog.text.count("was rejected") == 3


async def test_a_callback_for_what_another_installation_sent_touches_nothing_here(
    ringback: Ringback, clock: FakeClock, tmp_path: Path, carrier: FakeCarrier
) -> None:
    one = await sent(ringback)
    async with opened(tmp_path / "other", carrier, clock=clock) as other:
        with pytest.raises(CallbackRejected):
            await ringback.inbound.callback(
                "sandbox", signed(secret(other), status_of("id-1", "delivered"), clock.now().timestamp())
            )
    assert await status(ringback, one) == "accepted"
