"""Where the console stands: by name where passkeys are needed, and on both addresses of that name or on none."""

from __future__ import annotations

import contextlib
import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from tests.e2e.console.conftest import send

if TYPE_CHECKING:
    from tests.e2e.console.conftest import Installation


def test_where_somebody_stands_on_the_other_loopback_address_the_console_takes_another_port(
    installation: Installation,
) -> None:
    try:
        taken = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:  # without IPv6 there is no other address, and nobody on it
        assert installation.console("--idle-exit", "60").port
        return
    with taken:
        port = taken.getsockname()[1]
        console = installation.console("--port", str(port))
        assert console.port != port
        with contextlib.closing(HTTPConnection("::1", console.port, timeout=10)) as connection:
            connection.request("GET", "/health")
            assert b"ringback-console" in connection.getresponse().read()


def test_the_address_is_a_name_where_a_passkey_is_needed_and_a_number_elsewhere(installation: Installation) -> None:
    console = installation.console()
    assert console.url == f"http://127.0.0.1:{console.port}"
    stricter = installation.console(RINGBACK_APPROVAL="passkey")
    assert console.process.wait(timeout=10) == 0  # it made way
    assert stricter.url == f"http://localhost:{stricter.port}"
    for host in (f"localhost:{stricter.port}", stricter.host, f"[::1]:{stricter.port}"):
        assert send(stricter.port, "GET", "/health", [("Host", host)]).status == 200
