"""`ringback` itself: the list of commands, each imported when it is called or listed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from ringback import __version__
from ringback_server.commands.exits import EPILOG

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE: Final = "ringback_server.commands"
COMMANDS: Final = {
    "check": "following",
    "sms": "sending",
    "mms": "sending",
    "call": "sending",
    "status": "following",
    "history": "following",
    "cancel": "following",
    "approve": "approving",
    "resolve": "resolving",
    "allow": "allowing",
    "allowed": "allowing",
    "revoke": "allowing",
    "conversation": "conversing",
    "takeover": "conversing",
    "write": "conversing",
    "giveback": "conversing",
    "optout": "optouts",
    "zones": "zoning",
    "limits": "limiting",
    "triggers": "triggers",
    "remind": "reminding",
    "forget": "forgetting",
    "thinnest": "thinnesting",
    "keys": "rotating",
    "passphrase": "passphrasing",
    "mcp": "processes",
    "serve": "serving",
    "carrier": "calling_back",
    "console": "processes",
    "sandbox": "processes",
    "demo": "processes",
    "doctor": "doctoring",
}
"""Name to module; in it the command is the object of the same name. Adding one is a line here and a function there."""


class Commands(click.Group):
    """The commands, in the order in which a person meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        """Every name."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        """The command, imported now."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(f"{_HERE}.{module}"), cmd_name)
        return command


@click.command(
    "ringback",
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="ringback", message="%(prog)s %(version)s")
def root() -> None:
    """Text and call people, under rules that a model cannot talk its way around.

    A number or a text given as - is read from standard input, given as @FILE from a file (@@ is a plain @). So it is
    neither in the shell's history nor in the list of processes.

    Results are JSON with --json and wherever standard output is not a terminal. Nothing is ever asked where no terminal
    is.
    """


def json_option(command: Callable[..., int]) -> Callable[..., int]:
    """`--json`, which `Output.choose` has read already."""
    words = "JSON on standard output; always so when that is not a terminal."
    return click.option("--json", "as_json", is_flag=True, expose_value=False, help=words)(command)
