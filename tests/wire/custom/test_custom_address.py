"""Where a custom endpoint's URL may lead: each spelling of a private address, names that change, certificates."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from ringback_support.wire_server import Reply, Request, reply, wire_server
from tests.faults.authority import Authority

from ringback.carriers.addresses import is_allowed
from ringback.carriers.custom import build
from ringback.errors import CarrierUnavailable, CarrierUnreachable, ConfigurationError
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST = "sms.endpoint.example"
WISH = Outbound(Channel.SMS, PhoneNumber("+14155551234"), "custom", "See you at three.")


def settings(url: str, **changes: Any) -> Settings:
    return Settings(custom_url=url, custom_headers=SecretStr('{"Authorization": "Bearer t"}'), **changes)


async def sent(url: str, **changes: Any) -> None:
    """Build the carrier and send once."""
    endpoint = build(settings(url, **changes))
    try:
        await endpoint.transmit(WISH)
    finally:
        await endpoint.aclose()


@pytest.fixture
def lead(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let names lead to these addresses, one list after the other; gives what was looked up."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lead(*answers: list[str]) -> list[str]:
        left = list(answers)

        def look_up(host: str, port: int, *rest: Any, **more: Any) -> Any:
            if host != HOST:
                return real(host, port, *rest, **more)
            asked.append(host)
            found = left.pop(0) if len(left) > 1 else left[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return lead


PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("169.254.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "240.0.0.1"),
    *("255.255.255.255", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b:1::7f00:1", "2001:db8::1"),
]
NEVER = ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "224.0.0.1", "ff02::1"]
PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_off_the_public_internet_is_let_in_only_where_the_operator_says_so(address: str) -> None:
    assert not is_allowed(address, private=False)
    assert is_allowed(address, private=True)


@pytest.mark.parametrize("address", NEVER)
def test_an_address_that_is_no_one_machines_is_never_let_in(address: str) -> None:
    assert not is_allowed(address, private=False)
    assert not is_allowed(address, private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_let_in(address: str) -> None:
    assert is_allowed(address, private=False)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "localhost", "LOCALHOST"),
        *("0xa9fea9fe", "2852039166", "169.254.43518", "0", "0.0.0.0"),
    ],
)
async def test_no_spelling_of_a_private_address_gets_a_connection(host: str) -> None:
    async with wire_server(lambda _: reply(200)) as server:
        port = server.url.rpartition(":")[2]
        with pytest.raises((ConfigurationError, CarrierUnreachable)) as caught:
            await sent(f"https://{host}:{port}/sms")
        assert server.connections == 0
    assert "private network" in str(caught.value)
    assert "RINGBACK_CUSTOM_PRIVATE" in str(caught.value)


@pytest.mark.parametrize(
    ("host", "plain"), [("127.1", "127.0.0.1"), ("0177.0.0.1", "127.0.0.1"), ("1572395534", "93.184.218.14")]
)
def test_an_address_in_an_unusual_spelling_is_to_be_written_plainly(host: str, plain: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Write it as {plain}"):
        build(settings(f"https://{host}/", custom_private=True))


@pytest.mark.parametrize(
    "url",
    [
        *("", "sms.example", "ftp://sms.example/", "http://sms.example/", "http://127.0.0.1:8080/", "https://"),
        *("https://user:secret@sms.example/", "https://secret@sms.example/", "https://sms.example/#x"),
        *("https://sms.example:0/", "https://sms.example:99999/", "https://sms.example/{to}", "https://sms.exämple/"),
        *("https://sms.example\\@127.0.0.1/", "https://sms.example/ x", "https://sms.example/\r\nX: 1", "https://[::1"),
        *("https://999.1.1.1/", "https://1.2.3.4.5/", "https://sms.example.7/"),
    ],
)
def test_a_url_that_is_not_plain_https_is_refused_at_the_start_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="RINGBACK_CUSTOM_URL") as caught:
        build(settings(url))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::ffff:127.0.0.1"], []])
async def test_a_name_that_leads_inside_is_refused_before_anyone_is_asked_or_anything_sent(
    found: list[str], lead: Callable[..., list[str]]
) -> None:
    lead(found)
    endpoint = build(settings(f"https://{HOST}/sms"))
    with pytest.raises(CarrierUnreachable):
        await endpoint.line()
    with pytest.raises(CarrierUnreachable) as caught:
        await endpoint.transmit(WISH)
    assert caught.value.nothing_left


async def test_a_name_that_cannot_be_looked_up_left_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(CarrierUnreachable) as caught:
        await build(settings(f"https://{HOST}/sms")).transmit(WISH)
    assert caught.value.nothing_left


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ssl.SSLContext]:
    """A server's TLS with a certificate for a name, from an authority that is trusted."""

    def certified(host: str) -> ssl.SSLContext:
        authority = Authority(tmp_path, "trusted", host)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        return authority.certify(context)

    return certified


async def test_the_connection_goes_to_the_address_and_host_sni_and_certificate_are_the_names(
    certified: Callable[[str], ssl.SSLContext], lead: Callable[..., list[str]]
) -> None:
    asked = lead(["127.0.0.1"])
    shown: list[str | None] = []
    tls = certified(HOST)
    tls.sni_callback = lambda _socket, name, _context: shown.append(name)
    async with wire_server(lambda _: reply(202, {"id": "a1"}), tls=tls) as server:
        port = server.url.rpartition(":")[2]
        endpoint = build(settings(f"https://{HOST}:{port}/sms?k=1", custom_private=True))
        assert (await endpoint.line()).enabled
        for _ in range(3):
            assert (await endpoint.transmit(WISH)).carrier_id == "a1"
        await endpoint.aclose()
    assert {request.headers["host"] for request in server.requests} == {f"{HOST}:{port}"}
    assert {request.target for request in server.requests} == {"/sms?k=1"}
    assert set(shown) == {HOST}
    assert asked == [HOST], "the name is looked up once"


async def test_a_certificate_for_another_name_is_not_believed_and_nothing_is_sent(
    certified: Callable[[str], ssl.SSLContext], lead: Callable[..., list[str]]
) -> None:
    lead(["127.0.0.1"])
    async with wire_server(lambda _: reply(202), tls=certified("other.example")) as server:
        port = server.url.rpartition(":")[2]
        endpoint = build(settings(f"https://{HOST}:{port}/sms", custom_private=True))
        with pytest.raises(CarrierUnreachable) as caught:
            await endpoint.transmit(WISH)
        await endpoint.aclose()
    assert caught.value.nothing_left
    assert server.requests == []


async def test_a_name_that_leads_elsewhere_later_is_not_followed(
    certified: Callable[[str], ssl.SSLContext], lead: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is public when it is checked and private when it is used: the attack that a pin is there for."""
    lead(["192.0.2.1"], ["127.0.0.1"])
    monkeypatch.setattr("ringback.carriers.addresses.is_allowed", lambda address, private: address == "192.0.2.1")
    async with wire_server(lambda _: reply(202), tls=certified(HOST)) as server:
        port = server.url.rpartition(":")[2]
        endpoint = build(settings(f"https://{HOST}:{port}/sms", connect_timeout_s=0.2))
        assert (await endpoint.line()).enabled
        for _ in range(3):  # nothing listens at the first address, so the name is looked up again, and judged again
            with pytest.raises(CarrierUnreachable):
                await endpoint.transmit(WISH)
        await endpoint.aclose()
        assert server.connections == 0


async def test_another_of_its_addresses_is_tried_where_no_connection_came_about_and_nothing_is_sent_twice(
    certified: Callable[[str], ssl.SSLContext], lead: Callable[..., list[str]]
) -> None:
    lead(["127.0.0.2", "127.0.0.1"])
    async with wire_server(lambda _: reply(202), tls=certified(HOST)) as server:
        port = server.url.rpartition(":")[2]
        endpoint = build(settings(f"https://{HOST}:{port}/sms", custom_private=True))
        await endpoint.transmit(WISH)
        await endpoint.aclose()
    assert len(server.requests) == 1


async def test_a_service_that_moved_is_found_again_once_its_old_address_takes_no_connection(
    certified: Callable[[str], ssl.SSLContext], lead: Callable[..., list[str]]
) -> None:
    asked = lead(["127.0.0.2"], ["127.0.0.1"])
    async with wire_server(lambda _: reply(202), tls=certified(HOST)) as server:
        port = server.url.rpartition(":")[2]
        endpoint = build(settings(f"https://{HOST}:{port}/sms", custom_private=True))
        with pytest.raises(CarrierUnreachable):
            await endpoint.transmit(WISH)
        await endpoint.transmit(WISH)
        await endpoint.aclose()
    assert (len(server.requests), asked) == (1, [HOST, HOST])


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_connection_that_breaks_is_doubt_and_is_not_repeated_at_another_address(
    end: str, certified: Callable[[str], ssl.SSLContext], lead: Callable[..., list[str]]
) -> None:
    lead(["127.0.0.1", "::ffff:127.0.0.1"])

    def broken(_: Request) -> Reply:
        return Reply(end=end)

    async with wire_server(broken, tls=certified(HOST)) as server:
        port = server.url.rpartition(":")[2]
        endpoint = build(settings(f"https://{HOST}:{port}/sms", custom_private=True))
        with pytest.raises(CarrierUnavailable):
            await endpoint.transmit(WISH)
        await endpoint.aclose()
    assert len(server.requests) == 1


async def test_plain_http_is_for_this_machine_alone_and_only_where_the_operator_says_so() -> None:
    async with wire_server(lambda _: reply(200)) as server:
        endpoint = build(settings(f"{server.url}/sms", custom_private=True))
        await endpoint.transmit(WISH)
        await endpoint.aclose()
        with pytest.raises(ConfigurationError):
            build(settings(f"{server.url}/sms"))
    with pytest.raises(ConfigurationError):
        build(settings("http://10.0.0.1/sms", custom_private=True))


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with wire_server(lambda _: reply(200)) as server, wire_server(lambda _: reply(200)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        endpoint = build(settings(f"{server.url}/sms", custom_private=True))
        await endpoint.transmit(WISH)
        await endpoint.aclose()
    assert (len(server.requests), proxy.connections) == (1, 0)


def test_neither_url_path_nor_headers_are_in_a_repr() -> None:
    endpoint = build(settings("https://93.184.215.14/hooks/secret-token?key=secret-key", custom_private=True))
    for thing in (endpoint, *vars(endpoint).values()):
        assert "secret" not in repr(thing)
        assert "Bearer" not in repr(thing)
