"""`zones`: the time zones that a person names for recipients whose telephone is elsewhere than their number says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ringback_server.commands.exits import Exit
from ringback_server.commands.recipients import confirm_number, named_number
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.ledger.records import NamedZone
    from ringback_server.commands.output import Output


@click.group()
def zones() -> None:
    """Name the time zone of a recipient, for quiet hours: set, clear, list.

    Without one, every zone that the number can be in must be inside the hours. For a person, in their own terminal.
    """


@zones.command("set")
@click.argument("number", metavar="NUMBER")
@click.argument("zone", metavar="ZONE")
@json_option
@click.pass_obj
def set_(output: Output, /, number: str, zone: str) -> int:
    """Let ZONE stand for a recipient, in place of what their number tells.

    ZONE is an IANA name, such as America/New_York. The stricter hours of a US area code hold all the same. NUMBER may
    be @FILE, or - to be asked for it.
    """
    from ringback.overview import check_zone
    from ringback_server.commands.installation import installation
    from ringback_server.commands.output import clean
    from ringback_server.commands.passphrasing import require_passphrase

    parsed = named_number(output, number)
    check_zone(zone)
    words = [f"From now on the clocks of {clean(zone)} count for {{number}}."]
    confirm_number(parsed, words, output, "Nothing was set.")
    with installation() as here:
        require_passphrase(here)
        here.run(here.opened.person.overview.name_zone(parsed.e164, zone))
    output.show({"zone": zone}, ["Set. Take it back with: ringback zones clear"])
    return Exit.DONE


@zones.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@json_option
@click.pass_obj
def clear(output: Output, /, number: str | None) -> int:
    """Go by the number again. NUMBER may be - or @FILE; left out, it is asked for."""
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase

    parsed = named_number(output, number)
    words = "From now on the number {number} itself tells what time it is there."
    confirm_number(parsed, [words], output, "Nothing was cleared.")
    with installation() as here:
        require_passphrase(here)
        cleared = here.run(here.opened.person.overview.drop_zone(parsed.e164))
    output.show({"cleared": cleared}, ["Cleared." if cleared else "No zone was named. Nothing was changed."])
    return Exit.DONE


@zones.command("list")
@json_option
@click.pass_obj
def list_(output: Output) -> int:
    """Every zone that was named, with whole numbers."""
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase
    from ringback_server.commands.terminal import require_terminal

    require_terminal(output)
    with installation() as here:
        require_passphrase(here)
        named = here.run(here.opened.person.overview.zones())
    lines = [_line(one, output) for one in named]
    document = [{"number": one.number.e164, "contact": one.contact, "zone": one.zone} for one in named]
    output.show({"items": document}, lines or ["No zone was named: the numbers themselves tell."])
    return Exit.DONE


def _line(one: NamedZone, output: Output) -> str:
    return f"{output.style(one.number.formatted, bold=True)}  {one.zone}"
