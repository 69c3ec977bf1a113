"""`triggers`: what a person lets other programs send, applied, shown, taken back; and the secrets of those programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ringback.errors import InvalidRequest, NotFound, Refused
from ringback.ledger.records import Level
from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.ledger.triggers import StandingTrigger
    from ringback.model.trigger import Definition
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

_LARGEST_FILE: Final = 256 * 1024


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def triggers(context: click.Context) -> int:
    """What other programs may send by ringback serve, as a person applied it; without a subcommand, the list.

    A program posts {"phone": …} with the variables of the template to /triggers/NAME, and proves itself by its secret.
    """
    return Exit.DONE if context.invoked_subcommand else _list(context.obj)


def _list(output: Output) -> int:
    from ringback_server.commands.installation import installation

    with installation() as here:
        standing = here.run(here.opened.person.triggers.standing())
    lines = [line for trigger in standing for line in ["", *_standing_lines(trigger, output)]]
    output.show({"items": [_document(trigger) for trigger in standing]}, lines or ["No trigger is applied."])
    return Exit.DONE


@triggers.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def apply(output: Output, /, file: Path) -> int:
    """Let the triggers that FILE defines stand, each in place of the one of its name.

    For a person, in their own terminal: each is shown whole and asked about. Editing the file later changes nothing
    until it is applied again. What was scheduled before stays as it is.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.terminal import ask, drop_typeahead, require_terminal

    require_terminal(output)
    drop_typeahead()
    text = _text(file)
    applied: list[StandingTrigger] = []
    with installation() as here:
        definitions = here.opened.person.triggers.read(text)
        _require_level(here)
        confirmed = []
        for definition in definitions:
            output.tell("\n".join(["", *_lines(definition, here, output), ""]))
            if ask(output, f"  Type {definition.name} to apply it, anything else to leave it: ") == definition.name:
                confirmed.append(definition)
        if confirmed:
            _require_passphrase(here)
        for definition in confirmed:
            work = here.opened.person.triggers.apply(definition, level=Level.A2, via="terminal")
            applied.append(here.run(work))
    names = [trigger.definition.name for trigger in applied]
    told = f"Applied: {', '.join(names)}." if names else "Nothing was applied."
    output.show({"applied": names}, [told])
    return Exit.DONE if names else Exit.ENDED


@triggers.command()
@click.argument("name", metavar="NAME")
@click.argument("caller", metavar="CALLER")
@json_option
@click.pass_obj
def secret(output: Output, /, name: str, caller: str) -> int:
    """Make the secret by which CALLER uses the trigger NAME; an earlier one counts no more.

    For a person, in their own terminal. It is shown once, and can never be read again.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.terminal import require_terminal

    require_terminal(output)
    with installation() as here:
        _require_level(here)
        _require_passphrase(here)
        made = here.run(here.opened.person.triggers.make_secret(name, caller))
    lines = [
        f"The secret of {caller} for {name}, shown this once:",
        "",
        f"  {made}",
        "",
        "The program sends it as: Authorization: Bearer <secret>",
    ]
    output.show({"trigger": name, "caller": caller, "secret": made}, lines)
    return Exit.DONE


@triggers.command()
@click.argument("name", metavar="NAME")
@json_option
@click.pass_obj
def remove(output: Output, /, name: str) -> int:
    """End a trigger at once, with its secrets. What is scheduled under it goes out no more."""
    from ringback_server.commands.installation import installation

    with installation() as here:
        if not here.run(here.opened.person.triggers.remove(name)):
            raise NotFound("There is no trigger of this name.", hint="See: ringback triggers")
    output.show({"name": name, "removed": True}, ["Removed. Its secrets open nothing any more."])
    return Exit.DONE


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
        if len(content) <= _LARGEST_FILE:
            return content.decode("utf-8")
    except (OSError, ValueError):
        raise InvalidRequest("The file cannot be read as UTF-8 text.", hint="Check its name and content.") from None
    raise InvalidRequest("The file is too large for definitions of triggers.", hint="Check its name.")


def _require_level(here: Installation) -> None:
    if here.opened.person.least > Level.A2:
        raise Refused(
            "approval_level",
            f"Here an approval of level {here.opened.person.least} is needed; a terminal's is {Level.A2}.",
            hint="Nothing was applied. A trigger cannot be signed by a passkey.",
        )


def _require_passphrase(here: Installation) -> None:
    from ringback_server.commands.passphrasing import require_passphrase

    require_passphrase(here)


def _lines(definition: Definition, here: Installation, output: Output) -> list[str]:
    """A definition, whole, as a person is asked about it."""
    carrier = here.opened.carriers.get(definition.carrier or "")
    live = carrier is None or carrier.live
    reach = "REAL PHONES RING" if live else "nothing leaves this machine"
    return _told(definition, f"{definition.carrier} ({output.style(reach, 'red' if live else None)})", output)


def _standing_lines(trigger: StandingTrigger, output: Output) -> list[str]:
    from ringback_server.commands.words import moment

    with_secret = ", ".join(trigger.callers) or "nobody"
    applied = f"{moment(trigger.applied_at)} by {trigger.via}, {trigger.level}"
    lines = _told(trigger.definition, trigger.definition.carrier or "", output)
    return [*lines, f"  Applied  {applied}", f"  Secrets  {with_secret}"]


def _told(definition: Definition, carrier: str, output: Output) -> list[str]:
    from ringback.model.text import visible
    from ringback_server.commands.output import aligned
    from ringback_server.commands.terminal import KINDS, barred

    rows = [
        ("Trigger", output.style(definition.name, bold=True)),
        ("What", KINDS[definition.channel]),
        ("Carrier", carrier),
        ("Callers", ", ".join(definition.callers)),
        ("To", f"any number of: {', '.join(definition.countries)}, without being asked"),
        ("Hours", f"{definition.hours}, by the recipient's own clock"),
        ("Limit", f"{definition.limit_per_day} a day (UTC)"),
        ("Open", f"{', '.join(definition.variables) or 'nothing'}, as the caller says"),
        *([("Urgent", "its calls go before others, where the carrier knows that")] if definition.urgent else []),
        ("Links", "web addresses too" if definition.links else "no web addresses in these"),
    ]
    media = ["  Media URL:", *barred(visible(definition.media_url))] if definition.media_url else []
    return [*aligned(rows, indent="  "), *media, "  Text:", *barred(visible(definition.template))]


def _document(trigger: StandingTrigger) -> dict[str, object]:
    return {
        **trigger.definition.as_dict(),
        "channel": trigger.definition.channel.value,
        "variables": list(trigger.definition.variables),
        "level": trigger.level.value,
        "via": trigger.via,
        "applied_at": trigger.applied_at,
        "with_secret": list(trigger.callers),
    }
