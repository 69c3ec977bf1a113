"""`forget`: erases a person, and says what it does not reach."""

from __future__ import annotations

import hmac
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ringback.errors import Refused
from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.ledger.erasure import Forgotten
    from ringback.model.numbers import PhoneNumber
    from ringback_server.commands.output import Output


@click.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@json_option
@click.pass_obj
def forget(output: Output, number: str | None) -> int:
    """Erase a person: their number, and every text to and from it.

    For a person, in their own terminal. It is done at once and cannot be taken back; what waits for them is cancelled.
    Bare records stay: when something was sent, and how it ended. NUMBER may be - or @FILE, which leaves it out of the
    shell's history. Left out, it is asked for.
    """
    from ringback.model.numbers import parse_number
    from ringback_server.commands.inputs import Inputs
    from ringback_server.commands.installation import installation
    from ringback_server.commands.terminal import ask, drop_typeahead, require_terminal

    require_terminal(output)
    drop_typeahead()
    given = ask(output, "Number, in E.164 form: ") if number in {None, "-"} else Inputs().word(str(number), "NUMBER")
    parsed = parse_number(given or "")
    _confirm(parsed, output)
    with installation() as here:
        forgotten = here.run(here.opened.person.forget(parsed.e164))
        carrier = here.opened.carriers.names
        sandbox = (here.opened.settings.home / "sandbox").exists()
    reach = _not_reached(carrier, sandbox=sandbox)
    output.show({**asdict(forgotten), "not_reached": reach}, _lines(forgotten, reach))
    return Exit.DONE


def _confirm(number: PhoneNumber, output: Output) -> None:
    """Show the number whole and have the person type its last digits.

    Raises:
        Refused: they typed others, or none.
    """
    from ringback.questions import country_name
    from ringback_server.commands.terminal import ask_digits

    shown = f"{output.style(number.formatted, bold=True)}  ({country_name(number)})"
    output.tell(f"\n  Everything about {shown} is erased here. It cannot be taken back.\n")
    typed = ask_digits(output)
    if typed is None or not hmac.compare_digest(typed, number.last_digits):
        raise Refused("digits_did_not_match", "The digits are not the number's last ones.", hint="Nothing was erased.")


def _lines(forgotten: Forgotten, reach: list[str]) -> list[str]:
    from ringback_server.commands.output import aligned

    rows = [
        ("messages and calls to them", forgotten.outbounds),
        ("of these cancelled, for they still waited", forgotten.cancelled),
        ("texts from them", forgotten.received),
        ("allowances", forgotten.allowances),
    ]
    lines = ["Erased:", *aligned([(label, str(count)) for label, count in rows], indent="  ")]
    if forgotten.under_way:
        lines.append(f"{forgotten.under_way} are being handed to the carrier now and were left: run this again soon.")
    return [*lines, "Not reached by this:", *(f"  - {text}" for text in reach)]


def _not_reached(carrier: str, *, sandbox: bool) -> list[str]:
    """Where the person may still be found."""
    reach = []
    if carrier != "sandbox":
        reach.append(f"what the carrier ({carrier}) keeps: ask there")
    if sandbox:
        reach.append("the sandbox's handset: empty it on its page, or remove the folder sandbox in the data folder")
    return [
        *reach,
        "copies of the data folder, backups and file-system snapshots",
        "what assistants and other programs noted down",
    ]
