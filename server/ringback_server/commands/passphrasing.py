"""`passphrase`: what opens the console, set by a person; and asked for where a terminal's word needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ringback.errors import Refused
from ringback_server.commands.exits import Exit

if TYPE_CHECKING:
    from ringback_server.commands.installation import Installation


@click.command()
def passphrase() -> int:
    """Set or change the console's passphrase.

    For a person, in their own terminal. The present one is asked for first. It opens the page, and under
    RINGBACK_APPROVAL=page it is asked for in a terminal as well. Never tell it to an assistant.
    """
    from ringback_server.console.passphrase import main

    return main([]) or Exit.DONE


def require_passphrase(here: Installation) -> None:
    """Where the page's level is the least that counts, a terminal asks for what the page asks for, if it is set.

    Raises:
        Refused: they typed another one.
        ConfigurationError: the passphrase file cannot be used.
    """
    from ringback.ledger.records import Level
    from ringback_server.console.passphrase import passphrase_mark, verify_passphrase

    home = here.opened.settings.home
    if here.opened.person.least < Level.A2 or passphrase_mark(home) is None:
        return
    from getpass import getpass

    try:
        typed = getpass("  The console's passphrase: ")
    except EOFError:
        typed = ""
    if not verify_passphrase(home, typed):
        raise Refused("wrong_passphrase", "That is not the passphrase.", hint="Nothing was approved or allowed.")
