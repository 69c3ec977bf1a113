"""`allow`, `allowed` and `revoke`: recipients that a person is not asked about for a while."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

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
@click.option("--any-content", is_flag=True, help="Long texts and web addresses as well.")
@json_option
@click.pass_obj
def allow(output: Output, /, number: str | None, **bounds: Any) -> int:
    """Allow a recipient beforehand: what goes there is not asked about.

    For a person, in their own terminal. It counts for one channel of the carrier in force, and for short texts without
    web addresses. NUMBER may be @FILE. Left out, it is asked for.
    """
    from ringback.model.numbers import parse_number
    from ringback_server.commands.inputs import Inputs
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase
    from ringback_server.commands.terminal import ask, drop_typeahead, require_terminal

    require_terminal(output)
    drop_typeahead()
    wish = _Wish(**bounds)
    given = ask(output, "Number, in E.164 form: ") if number is None else Inputs().word(number, "NUMBER")
    parsed = parse_number(given or "")
    with installation() as here:
        _confirm(here, parsed, wish, output)
        require_passphrase(here)
        allowing = here.opened.person.allow(
            parsed.e164,
            Channel(wish.channel),
            level=Level.A2,
            via="terminal",
            seconds=wish.days * _DAY_S,
            count=wish.count,
            plain=not wish.any_content,
        )
        allowance_id = here.run(allowing)
    output.show({"id": allowance_id}, [f"Allowed. Take it back with: ringback revoke {allowance_id}"])
    return Exit.DONE


@dataclass(frozen=True)
class _Wish:
    """What a person wants to allow, as the options name it."""

    channel: str
    days: int
    count: int
    any_content: bool


def _confirm(here: Installation, number: PhoneNumber, wish: _Wish, output: Output) -> None:
    """Show a recipient whole and have the person type its last digits.

    Raises:
        Refused: they typed others, or none, or a terminal does not count here.
    """
    from ringback.approvals import PLAIN_CHARS
    from ringback.questions import country_name
    from ringback_server.commands.output import aligned
    from ringback_server.commands.terminal import KINDS, ask_digits

    opened, channel = here.opened, Channel(wish.channel)
    if opened.person.least > Level.A2:
        raise Refused(
            "approval_level",
            f"Here an approval of level {opened.person.least} is needed; a terminal's is {Level.A2}.",
            hint="Nothing was allowed. Trust a number for a day, with a passkey, on the page: ringback console",
        )
    reach = "real phones ring" if opened.carriers.live else "nothing leaves this machine"
    rows = [
        ("Number", f"{output.style(number.formatted, bold=True)}  ({country_name(number)})"),
        ("For", f"{KINDS[channel]}, at most {wish.count} in {wish.days * 24} hours, without being asked"),
        ("Content", "anything" if wish.any_content else _content(PLAIN_CHARS[channel], links=False)),
        ("Carrier", f"{opened.carriers.names} ({reach})"),
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

    content = _content(allowance.max_chars, links=allowance.links)
    bounds = f"{allowance.remaining} more until {moment(allowance.expires_at)}, {content}"
    return [f"{allowance.number.formatted}  {allowance.channel}  {allowance.carrier}  {bounds}  {allowance.id}"]


def _content(characters: int, *, links: bool) -> str:
    return f"up to {characters:,} characters, {'web addresses too' if links else 'no web addresses'}"


def _document(allowance: Allowance) -> dict[str, object]:
    return {
        "id": allowance.id,
        "number": allowance.number.e164,
        "channel": allowance.channel.value,
        "carrier": allowance.carrier,
        "level": allowance.level.value,
        "remaining": allowance.remaining,
        "max_chars": allowance.max_chars,
        "links": allowance.links,
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
