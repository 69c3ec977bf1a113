"""Every fault between us and the carrier, over real sockets: its exact outcome and the exact number of posts."""

from __future__ import annotations

import gzip
import json
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2
import pytest
import stamina
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ringback_support.fakes import FakeClock
from ringback_support.installation import TEXT, YES, opened, outbound, want
from ringback_support.wire_server import Reply, Request, WireServer, half, reply, wire_server

from ringback.carriers.http import CarrierHttp, Timeouts
from ringback.carriers.thinkfleetbot import ThinkFleetBot
from ringback.clock import SystemClock
from ringback.dispatch import TRIES
from ringback.errors import CarrierError, CarrierUnavailable, CarrierUnreachable, CarrierUnreadable
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from ringback.receipts import Receipt

TO = "+14155552671"
SHORT = Timeouts(connect=0.3, read=0.15)
LONG = Timeouts(connect=10, read=10)
DAY = timedelta(days=1)
LINE = {"enabled": True, "phone_number": "+14155550100", "capabilities": ["sms", "mms", "voice"]}
TAKEN = reply(201, {"id": "msg_1", "status": "queued"})


@pytest.fixture(autouse=True)
def _no_back_off() -> Iterator[None]:
    with stamina.set_testing(True, attempts=TRIES, cap=True):
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: what differs is the carrier, not the ledger."""
    return tmp_path_factory.mktemp("home")


@dataclass
class Posts:
    """Answers the posts in turn, the last one for good."""

    replies: list[Reply]

    def __call__(self, request: Request) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Split(httpx2.AsyncBaseTransport):
    """The check is answered here; a post goes through the transport given, and is counted."""

    def __init__(self, posts: httpx2.AsyncBaseTransport) -> None:
        self._posts = posts
        self.count = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json=LINE)
        self.count += 1
        return await self._posts.handle_async_request(request)

    async def aclose(self) -> None:
        await self._posts.aclose()


@asynccontextmanager
async def carrier_behind(*replies: Reply) -> AsyncIterator[tuple[ThinkFleetBot, WireServer]]:
    """A carrier whose posts go to a real server. Only where an answer is not to come is the wait for it short."""
    hanging = any(each.end == "hold" or each.pause_s for each in replies)
    async with wire_server(Posts(list(replies))) as server:
        transport = Split(httpx2.AsyncHTTPTransport(verify=False))
        http = CarrierHttp(server.url, {}, timeouts=SHORT if hanging else LONG, transport=transport)
        yield ThinkFleetBot(http), server


async def outcome(home: Path, carrier: ThinkFleetBot, channel: Channel, between: Callable[[], None]) -> Receipt:
    """What a person's yes comes to; `between` happens after the check and before the post."""
    async with opened(home, carrier, clock=FakeClock()) as ringback:
        waiting = await want(ringback.telephone, channel, TO, text=uuid4().hex)
        between()
        receipt = await ringback.person.answer(waiting.id, YES)
        stored = (await ringback.ledger.outbounds.get(waiting.id)).status
        assert stored == receipt.status
        return receipt


def nothing() -> None:
    """Nothing happens between check and post."""


def later(seconds: int) -> str:
    return format_datetime(SystemClock().now() + timedelta(seconds=seconds), usegmt=True)


TRICKLE = Reply((b"HTTP/1.1 201 Created\r\n", *[b"X: y\r\n"] * 40, TAKEN.parts[0].partition(b"\r\n")[2]), pause_s=0.05)
BOMB = gzip.compress(b" " * 8_000_000)
DEEP = b"[" * 200_000 + b"]" * 200_000
UNKNOWN, UNREADABLE = ("unknown", "carrier_unavailable", 1), ("unknown", "carrier_unreadable", 1)
LIMITED = "carrier_rate_limited"

FAULTS: dict[str, tuple[list[Reply], tuple[str, str | None, int]]] = {
    "an answer": ([TAKEN], ("queued", None, 1)),
    "an answer in pieces": ([Reply(tuple(bytes([byte]) for byte in TAKEN.parts[0]))], ("queued", None, 1)),
    "no answer in time": ([Reply(end="hold")], UNKNOWN),
    "an answer that trickles in": ([TRICKLE], UNKNOWN),
    "reset before the body was read": ([Reply(end="reset", unread=True)], UNKNOWN),
    "reset after the body was read": ([Reply(end="reset")], UNKNOWN),
    "closed without an answer": ([Reply()], UNKNOWN),
    "reset amid the answer": ([Reply((b"HTTP/1.1 201 Created\r\nContent-Le",), end="reset")], UNKNOWN),
    "half an answer": ([half(201, b'{"id": "msg_1"')], UNKNOWN),
    "no HTTP": ([Reply((b"SSH-2.0-OpenSSH_9.2\r\n",))], UNKNOWN),
    "endless headers": ([Reply((b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 40_000 + b"\r\n",))], UNKNOWN),
    "wrong compression": ([reply(201, b"{}", {"Content-Encoding": "gzip"})], UNKNOWN),
    "500": ([reply(500, {"error": "internal"})], UNKNOWN),
    "502 as HTML": ([reply(502, b"<h1>Bad gateway</h1>", {"Content-Type": "text/html"})], UNKNOWN),
    "503 with Retry-After": ([reply(503, {}, {"Retry-After": "0"})], UNKNOWN),
    "504": ([reply(504)], UNKNOWN),
    "302": ([reply(302, b"", {"Location": "/elsewhere"})], UNREADABLE),
    "307": ([reply(307, b"", {"Location": "/elsewhere"})], UNREADABLE),
    "308": ([reply(308, b"", {"Location": "/elsewhere"})], UNREADABLE),
    "304": ([reply(304, b"")], UNREADABLE),
    "200 with HTML": ([reply(200, b"<!doctype html><p>Welcome", {"Content-Type": "text/html"})], UNREADABLE),
    "200 with half a document": ([reply(200, b'{"id": "msg_1", "sta')], UNREADABLE),
    "200 with nothing": ([reply(200, b"")], UNREADABLE),
    "204": ([reply(204, b"")], UNREADABLE),
    "200 with a list": ([reply(200, [{"id": "msg_1"}])], UNREADABLE),
    "200 with null": ([reply(200, None)], UNREADABLE),
    "200 without an id": ([reply(200, {"status": "queued"})], UNREADABLE),
    "200 with an error in it": ([reply(200, {"success": False, "error": "no credit"})], UNREADABLE),
    "200 with a number for an id": ([reply(200, {"id": 7, "status": "queued"})], UNREADABLE),
    "200 with an empty id": ([reply(200, {"id": "", "status": "queued"})], UNREADABLE),
    "200 with a path for an id": ([reply(200, {"id": "../history", "status": "queued"})], UNREADABLE),
    "200 with a line break in the id": ([reply(200, {"id": "a\r\nb", "status": "queued"})], UNREADABLE),
    "200 with an endless id": ([reply(200, {"id": "a" * 129, "status": "queued"})], UNREADABLE),
    "200 with the number as id": ([reply(200, {"id": TO[1:], "status": "queued"})], UNREADABLE),
    "200 with the number in the id": ([reply(200, {"id": f"sms:{TO[1:]}:1", "status": "queued"})], UNREADABLE),
    "200 with the number split in the id": ([reply(200, {"id": "m-1-415-555-2671", "status": "queued"})], UNREADABLE),
    "200 with the local number in the id": ([reply(200, {"id": "m_4155552671_1", "status": "queued"})], UNREADABLE),
    "200 too deep": ([reply(200, DEEP)], UNREADABLE),
    "200 too large": ([reply(200, b'{"id": "msg_1", "x": "' + b"x" * 2_000_000 + b'"}')], UNREADABLE),
    "200 too large once unpacked": ([reply(200, BOMB, {"Content-Encoding": "gzip"})], UNREADABLE),
    "200 in no encoding": ([reply(200, b'{"id": "\xff\xfe"}')], UNREADABLE),
    "200 with an unknown status": ([reply(200, {"id": "msg_1", "status": "on its way"})], ("accepted", None, 1)),
    "200 without a status": ([reply(200, {"id": "msg_1"})], ("accepted", None, 1)),
    "429 for good": ([reply(429)], ("failed", LIMITED, 3)),
    "429 once": ([reply(429), TAKEN], ("queued", None, 2)),
    "429 twice": ([reply(429), reply(429), TAKEN], ("queued", None, 3)),
    "429 thrice": ([reply(429), reply(429), reply(429), TAKEN], ("failed", LIMITED, 3)),
    "429, 1 s": ([reply(429, {}, {"Retry-After": "1"}), TAKEN], ("queued", None, 2)),
    "429, 20 s": ([reply(429, {}, {"Retry-After": "20"}), TAKEN], ("queued", None, 2)),
    "429, 21 s": ([reply(429, {}, {"Retry-After": "21"}), TAKEN], ("failed", LIMITED, 1)),
    "429, for ever": ([reply(429, {}, {"Retry-After": "9" * 400}), TAKEN], ("failed", LIMITED, 1)),
    "429, a date to come": ([reply(429, {}, {"Retry-After": later(10)}), TAKEN], ("queued", None, 2)),
    "429, a date far off": ([reply(429, {}, {"Retry-After": later(3600)}), TAKEN], ("failed", LIMITED, 1)),
    "429, a date gone by": ([reply(429, {}, {"Retry-After": later(-3600)}), TAKEN], ("queued", None, 2)),
    "429, nonsense": ([reply(429, {}, {"Retry-After": "soon"}), TAKEN], ("queued", None, 2)),
    "429, then no answer": ([reply(429), Reply(end="hold")], ("unknown", "carrier_unavailable", 2)),
    "429, then 500": ([reply(429), reply(500)], ("unknown", "carrier_unavailable", 2)),
    "400": ([reply(400)], ("failed", "carrier_rejected", 1)),
    "401": ([reply(401)], ("failed", "carrier_authentication", 1)),
    "403": ([reply(403)], ("failed", "carrier_not_enabled", 1)),
    "404": ([reply(404)], ("failed", "carrier_rejected", 1)),
    "409": ([reply(409)], ("failed", "carrier_rejected", 1)),
    "413": ([reply(413)], ("failed", "carrier_rejected", 1)),
    "422": ([reply(422, {"error": "to is not a number"})], ("failed", "carrier_rejected", 1)),
    "402 too deep": ([reply(402, DEEP)], ("failed", "carrier_rejected", 1)),
}


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_of_the_carrier_has_its_outcome_and_its_number_of_posts(
    home: Path, fault: str, channel: Channel
) -> None:
    replies, expected = FAULTS[fault]
    async with carrier_behind(*replies) as (carrier, server):
        receipt = await outcome(home, carrier, channel, nothing)
        assert (receipt.status, receipt.reason, len(server.posts())) == expected
        assert {(request.method, request.path) for request in server.requests} == {
            ("POST", f"/api/messaging/{channel}")
        }


@pytest.mark.parametrize("channel", list(Channel))
async def test_a_refused_connection_is_tried_three_times_and_nothing_was_sent(home: Path, channel: Channel) -> None:
    async with carrier_behind(TAKEN) as (carrier, server):
        receipt = await outcome(home, carrier, channel, server.stop_listening)
        assert (receipt.status, receipt.reason, server.posts()) == ("failed", "carrier_unreachable", [])


def raising(error: type[httpx2.HTTPError]) -> httpx2.MockTransport:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise error(f"{request.content!r} to {request.url}", request=request)  # type: ignore[call-arg]

    return httpx2.MockTransport(fail)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx2.ConnectTimeout, ("failed", "carrier_unreachable", 3)),
        (httpx2.ConnectError, ("failed", "carrier_unreachable", 3)),
        (httpx2.PoolTimeout, ("failed", "carrier_unreachable", 3)),
        (httpx2.WriteTimeout, ("unknown", "carrier_unavailable", 1)),
        (httpx2.WriteError, ("unknown", "carrier_unavailable", 1)),
        (httpx2.ReadTimeout, ("unknown", "carrier_unavailable", 1)),
        (httpx2.ReadError, ("unknown", "carrier_unavailable", 1)),
        (httpx2.CloseError, ("unknown", "carrier_unavailable", 1)),
        (httpx2.RemoteProtocolError, ("unknown", "carrier_unavailable", 1)),
        (httpx2.LocalProtocolError, ("unknown", "carrier_unavailable", 1)),
        (httpx2.ProxyError, ("unknown", "carrier_unavailable", 1)),
        (httpx2.DecodingError, ("unknown", "carrier_unavailable", 1)),
    ],
)
async def test_each_fault_of_the_way_is_told_apart_by_what_may_have_left(
    home: Path, error: type[httpx2.HTTPError], expected: tuple[str, str, int]
) -> None:
    transport = Split(raising(error))
    carrier = ThinkFleetBot(CarrierHttp("https://carrier.example", {}, timeouts=SHORT, transport=transport))
    receipt = await outcome(home, carrier, Channel.SMS, nothing)
    assert (receipt.status, receipt.reason, transport.count) == expected


async def test_a_failed_tls_handshake_sent_nothing(home: Path) -> None:
    async with wire_server(Posts([TAKEN])) as server:
        transport = Split(httpx2.AsyncHTTPTransport())
        url = server.url.replace("http:", "https:")
        carrier = ThinkFleetBot(CarrierHttp(url, {}, timeouts=SHORT, transport=transport))
        receipt = await outcome(home, carrier, Channel.SMS, nothing)
        assert (receipt.status, receipt.reason, transport.count) == ("failed", "carrier_unreachable", 3)
        assert server.requests == []


def unknown_certificate(folder: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = SystemClock().now()
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + DAY)
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.pem").write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


async def test_a_service_whose_certificate_nobody_vouches_for_gets_neither_key_nor_text(tmp_path: Path) -> None:
    async with wire_server(Posts([TAKEN]), tls=unknown_certificate(tmp_path)) as server:
        carrier = ThinkFleetBot(CarrierHttp(server.url, {"Authorization": "Bearer key"}, timeouts=LONG))
        with pytest.raises(CarrierUnreachable):
            await carrier.transmit(outbound(TO))
        await carrier.aclose()
        assert server.requests == []


@pytest.mark.parametrize(
    "words",
    [
        {"error": f"{TO} cannot be reached"},
        {"message": f"Body {TEXT!r} to {TO} rejected"},
        {"error": "Number (415) 555-2671 is unknown, as are 1 415 555 2671 and 1 - 415 - 555 - 2671"},
        {"error": "x" * 195 + TO},
        {"error": [TO]},
        {"error": {"to": TO}},
    ],
)
@pytest.mark.parametrize("status", [401, 403, 422, 429, 500, 307])
async def test_an_error_never_repeats_the_number_whatever_the_carrier_says(status: int, words: object) -> None:
    async with carrier_behind(reply(status, words)) as (carrier, _):
        with pytest.raises(CarrierError) as caught:
            await carrier._http.post("/api/messaging/sms", {"to": TO, "body": TEXT})
        await carrier.aclose()
    error = caught.value
    for told in (str(error), repr(error), error.message, error.hint):
        assert "2671" not in told
        assert TEXT not in told
    digits = "".join(char for char in error.detail if char.isdigit())
    assert "5552671" not in digits
    assert len(error.detail) <= 200
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize("method", ["line", "report", "history"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(), CarrierUnavailable),
        (Reply(end="hold"), CarrierUnavailable),
        (reply(500), CarrierUnavailable),
        (reply(200, b"<p>"), CarrierUnreadable),
        (reply(200, DEEP), CarrierUnreadable),
        (reply(200, [1]), CarrierUnreadable),
        (reply(302, b"", {"Location": "/"}), CarrierUnreadable),
    ],
)
async def test_a_question_that_fails_is_asked_once_and_told(
    method: str, answer: Reply, error: type[CarrierError]
) -> None:
    async with wire_server(lambda _: answer) as server:
        carrier = ThinkFleetBot(CarrierHttp(server.url, {}, timeouts=SHORT if answer.end == "hold" else LONG))
        questions = {
            "line": carrier.line,
            "report": lambda: carrier.report(Channel.SMS, "msg_1"),
            "history": lambda: carrier.history(20),
        }
        with pytest.raises(error):
            await questions[method]()
        await carrier.aclose()
        assert len(server.requests) == 1


async def test_one_client_keeps_its_connection_for_the_next_request() -> None:
    content = json.dumps(LINE).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    async with wire_server(lambda _: Reply((head.encode() + content,), end="hold")) as server:
        carrier = ThinkFleetBot(CarrierHttp(server.url, {}, timeouts=LONG))
        await carrier.line()
        assert server.connections == 1
        await carrier.aclose()
        await carrier.aclose()
        assert (await carrier.line()).enabled
        await carrier.aclose()
        assert server.connections == 2
