"""`ringback demo`: a real MCP client drives a real MCP server against the sandbox's handset.

On a terminal a person approves, opens the handset and answers the call. Without one the demo does that for them, and
says so. It fails unless everything was as promised, by the sandbox's own record.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringback_server.demo.people import Person
    from ringback_server.demo.stage import Stage

AS_PROMISED: Final = 0
NOT_AS_PROMISED: Final = 1
CONFIGURATION: Final = 7
INTERRUPTED: Final = 130
AUTOMATIC_LIMIT_S: Final = 50.0
"""A demo without a person that takes longer has failed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo.

    Returns:
        0 when every step was as promised, 1 when one was not, 7 when it cannot start, 130 when it was interrupted.
    """
    given = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # masks and prompts are more than ASCII
    import click

    from ringback.errors import RingbackError
    from ringback_server.demo.stage import set_stage

    try:
        import mcp  # noqa: F401 - the demo is a client too; better told now than in the middle
    except ImportError:
        click.echo("The demo needs MCP: pip install 'ringback[mcp]', or run: make run", err=True)
        return CONFIGURATION
    try:
        with set_stage(_home(given.home)) as stage:
            return _play(stage)
    except RingbackError as error:
        click.echo(f"{error.message} {error.hint}", err=True)
        return CONFIGURATION
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("\nInterrupted. What the demo started has ended.", err=True)
        return INTERRUPTED


def _play(stage: Stage) -> int:
    """One performance; its exit code."""
    import click

    from ringback_server.demo.people import Automatic, Left, Terminal
    from ringback_server.demo.tour import NotAsPromisedError, perform

    person: Person = Terminal() if sys.stdin.isatty() and sys.stdout.isatty() else Automatic()
    limit = AUTOMATIC_LIMIT_S if isinstance(person, Automatic) else None
    try:
        asyncio.run(perform(stage, person, limit))
    except NotAsPromisedError as error:
        click.echo(f"\nNot as promised: {error}", err=True)
        return NOT_AS_PROMISED
    except Left:
        click.echo("\nYou left. What the demo started has ended.")
        return INTERRUPTED
    return AS_PROMISED


def _home(given: str | None) -> Path | None:
    """The folder to use; None for a temporary one."""
    if given is None:
        return None
    if given:
        return Path(given).expanduser().absolute()
    from ringback.settings import load_settings

    return load_settings().home


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ringback demo",
        description="A text, a picture and a call through the MCP server to a handset. Nothing leaves this machine.",
    )
    parser.add_argument(
        "--home",
        nargs="?",
        const="",
        metavar="DIR",
        help="keep the data in this folder (without DIR: the installation's) instead of a temporary one",
    )
    return parser
