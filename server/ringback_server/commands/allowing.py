"""`allow`, `allowed` and `revoke`: recipients that a person is not asked about for a while."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import click

from ringback.errors import NotFound, Refused
from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.ledger.records import Allowance
    from ringback.model.numbers import PhoneNumber
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

_DAY_S: Final = 86_400.0


@click.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@click.option("--channel", type=click.Choice([channel.value for channel in Channel]), default="sms", show_default=True)
@click.option("--days", type=click.IntRange(1, 365), default=1, show_default=True, help="For how many days.")
@click.option("--count", type=click.IntRange(1, 1000), default=20, show_default=True, help="For how many sends.")
@json_option
@click.pass_obj
def allow(output: Output, number: str | None, channel: str, days: int, count: int) -> int:
    """Allow a recipient beforehand: what goes there is not asked about.

    For a person, in their own terminal. It counts for one channel of the carrier in force. NUMBER may be @FILE. Left
    out, it is asked for.
    """
    from ringback.model.numbers import parse_number
    from ringback_server.commands.inputs import Inputs
    from ringback_server.commands.installation import installation
    from ringback_server.commands.terminal import ask, drop_typeahead, require_terminal

    require_terminal(output)
    drop_typeahead()
    given = ask(output, "Number, in E.164 form: ") if number is None else Inputs().word(number, "NUMBER")
    parsed = parse_number(given or "")
    with installation() as here:
        _confirm(here, parsed, Channel(channel), (days, count), output)
        allowing = here.opened.person.allow(
            parsed.e164, Channel(channel), level=Level.A2, via="terminal", seconds=days * _DAY_S, count=count
        )
        allowance_id = here.run(allowing)
    output.show({"id": allowance_id}, [f"Allowed. Take it back with: ringback revoke {allowance_id}"])
    return Exit.DONE


def _confirm(
    here: Installation, number: PhoneNumber, channel: Channel, bounds: tuple[int, int], output: Output
) -> None:
    """Show a recipient whole and have the person type its last digits.

    Raises:
        Refused: they typed others, or none, or a terminal does not count here.
    """
    from ringback.approvals import country_name
    from ringback_server.commands.output import aligned
    from ringback_server.commands.terminal import KINDS, ask_digits

    opened, (days, count) = here.opened, bounds
    if opened.person.least > Level.A2:
        raise Refused(
            "approval_level",
            f"Here an approval of level {opened.person.least} is needed; a terminal's is {Level.A2}.",
            hint="Nothing was allowed.",
        )
    reach = "real phones ring" if opened.live else "nothing leaves this machine"
    rows = [
        ("Number", f"{output.style(number.formatted, bold=True)}  ({country_name(number)})"),
        ("For", f"{KINDS[channel]}, at most {count} in {days * 24} hours, without being asked"),
        ("Carrier", f"{opened.carrier_name} ({reach})"),
    ]
    output.tell("\n".join(["", *aligned(rows, indent="  "), ""]))
    typed = ask_digits(output)
    if typed is None or not hmac.compare_digest(typed, number.last_digits):
        raise Refused("digits_did_not_match", "The digits are not the number's last ones.", hint="Nothing was allowed.")


@click.command()
@json_option
@click.pass_obj
def allowed(output: Output) -> int:
    """The recipients that are allowed now, with whole numbers.

    For a person, in their own terminal.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.terminal import require_terminal

    require_terminal(output)
    with installation() as here:
        allowances = here.run(here.opened.person.allowances())
    lines = [line for allowance in allowances for line in _lines(allowance)]
    output.show(
        {"items": [_document(allowance) for allowance in allowances]}, lines or ["Nobody is allowed beforehand."]
    )
    return Exit.DONE


def _lines(allowance: Allowance) -> list[str]:
    from ringback_server.commands.words import moment

    bounds = f"{allowance.remaining} more until {moment(allowance.expires_at)}"
    return [f"{allowance.number.formatted}  {allowance.channel}  {allowance.carrier}  {bounds}  {allowance.id}"]


def _document(allowance: Allowance) -> dict[str, object]:
    return {
        "id": allowance.id,
        "number": allowance.number.e164,
        "channel": allowance.channel.value,
        "carrier": allowance.carrier,
        "level": allowance.level.value,
        "remaining": allowance.remaining,
        "expires_at": allowance.expires_at,
    }


@click.command()
@click.argument("allowance_id", metavar="ID")
@json_option
@click.pass_obj
def revoke(output: Output, allowance_id: str) -> int:
    """End an allowance at once: from then on a person is asked again."""
    from ringback_server.commands.installation import installation

    with installation() as here:
        if not here.run(here.opened.person.revoke(allowance_id)):
            raise NotFound("No allowance has this id.", hint="The person sees them with: ringback allowed")
    output.show({"id": allowance_id, "revoked": True}, ["Revoked. From now on a person is asked again."])
    return Exit.DONE
