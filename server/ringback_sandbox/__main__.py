"""`python -m ringback_sandbox`: serve the sandbox."""

import argparse
import ipaddress
import logging
import os
import sqlite3
import sys
from pathlib import Path

DEFAULT_PORT = 8422
IN_USE = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code: 0 after an orderly end, 1 for trouble, 3 when the folder is in use."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="ringback sandbox: %(message)s")
    # What is needed to serve is imported only once the arguments are good.
    from .serving import Options, serve
    from .store import StateInUseError

    options = Options(
        state=given.state,
        host=given.host,
        port=given.port,
        idle_exit_s=given.idle_exit,
        memory=given.memory,
        key=given.api_key or os.environ.get("RINGBACK_SANDBOX_KEY") or None,
        line=given.phone_number,
        rate=given.rate,
        callback_wait_s=given.callback_wait,
    )
    try:
        serve(options)
    except StateInUseError:
        _tell(f"another sandbox already serves {given.state}: use it, or give this one a folder of its own")
        return IN_USE
    except (OSError, sqlite3.Error) as error:
        what = f"{given.state / 'sandbox.db'}" if isinstance(error, sqlite3.Error) else f"{given.state} on {given.host}"
        _tell(f"cannot serve {what}: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ringback_sandbox",
        description="A telephone carrier to try against. Nothing leaves this machine.",
    )
    add = parser.add_argument
    add("--state", type=Path, required=True, metavar="DIR", help="folder for its database, key and endpoint.json")
    add("--port", type=_port, default=DEFAULT_PORT, help="preferred port; 0 for any free one (default %(default)s)")
    add("--host", type=_loopback, default="127.0.0.1", help="loopback address to listen on (default %(default)s)")
    add("--idle-exit", type=float, default=0, metavar="SECONDS", help="exit when unused this long; 0 for never")
    add("--memory", action="store_true", help="forget all traffic at exit")
    add("--api-key", help="key that clients present (default $RINGBACK_SANDBOX_KEY, else a random one kept in DIR)")
    add("--phone-number", default="+15550109999", metavar="E164", help="the line's own number (default %(default)s)")
    add("--rate", type=int, default=100, metavar="N", help="most sends a minute; 0 for no limit (default %(default)s)")
    add(
        "--callback-wait",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="wait before a callback that was not taken is tried again; later waits grow from it (default %(default)s)",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text} is not a port: give a number from 0 to 65535")
    return port


def _loopback(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        good = ipaddress.ip_address(host).is_loopback
    except ValueError:
        good = False
    if not good:
        raise argparse.ArgumentTypeError(f"{host} is not a loopback address: the sandbox serves this machine alone")
    return host


def _tell(text: str) -> None:
    print(f"ringback sandbox: {text}", file=sys.stderr)  # noqa: T201  standard error is where it tells things


if __name__ == "__main__":
    sys.exit(main())
