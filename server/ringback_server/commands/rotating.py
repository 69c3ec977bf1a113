"""`keys`: a new key for the installation."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback_server.commands.output import Output


@click.group()
def keys() -> None:
    """Give the installation a new key.

    See: ringback keys rotate --help
    """


@keys.command()
@click.option(
    "--new-key",
    metavar="-|@FILE",
    help="The new key, 32 bytes in base64 or hexadecimal, from standard input or a file. Default: a random one.",
)
@json_option
@click.pass_obj
def rotate(output: Output, new_key: str | None) -> int:
    """Put everything that is stored under a new key; the old one opens nothing any more.

    The key file is replaced with it. Where the key comes from RINGBACK_KEY, give the new one with --new-key and set
    RINGBACK_KEY to it afterwards. Contact references change. Copies made before open with the old key alone.
    """
    from ringback.rotation import rotate as rotate_keys
    from ringback.settings import load_settings

    settings = load_settings()
    rotated = rotate_keys(settings, _key(new_key))
    notes = _notes(from_environment=settings.key is not None)
    counted = ", ".join(f"{count} {name}" for name, count in asdict(rotated).items())
    output.show({**asdict(rotated), "notes": notes}, [f"Under the new key: {counted}.", *(f"- {n}" for n in notes)])
    return Exit.DONE


def _key(given: str | None) -> str | None:
    """The key as given, never on the command line itself: there everybody on this machine could read it.

    Raises:
        InvalidRequest: it stands on the command line, or what it names cannot be read.
    """
    from ringback.errors import InvalidRequest
    from ringback_server.commands.inputs import Inputs

    if given is None:
        return None
    if given != "-" and (not given.startswith("@") or given.startswith("@@")):
        raise InvalidRequest(
            "A key is not given on the command line, where other users can read it.",
            hint="Give it as - on standard input, or as @FILE. This one was seen by now: make another one.",
        )
    return Inputs().word(given, "--new-key")


def _notes(*, from_environment: bool) -> list[str]:
    """What is to be done now."""
    if from_environment:
        first = [
            "Set RINGBACK_KEY to the new key wherever it is set, now: with the old one nothing opens any more.",
            "End and start again what runs with the old one: ringback serve, the console, assistants.",
        ]
    else:
        first = [
            "The key file holds the new key. ringback serve and assistants' servers take it up by themselves.",
            "End and start again the console, and any program that says that the key was changed.",
        ]
    return [
        *first,
        "Contact references (ct_...) are new: those noted before name nobody any more.",
        "Copies of the ledger that were made before open with the old key alone. Keep it as long as you keep them.",
    ]
