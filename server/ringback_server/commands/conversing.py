"""`takeover`, `write`, `giveback`, `conversation`: a person speaks to somebody by hand, and the agent is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ringback.errors import InvalidRequest, Refused
from ringback_server.commands.exits import Exit, receipt_exit
from ringback_server.commands.recipients import confirm_number, named_number
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.conversations import TakenOver
    from ringback.ledger.records import Received, Record
    from ringback.model.numbers import PhoneNumber
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

_SHOWN = 50
_SKIPPED = "A person writes this: quiet hours and limits are NOT applied to it. It goes out at once."


@click.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@json_option
@click.pass_obj
def takeover(output: Output, number: str | None) -> int:
    """Take over a conversation: the agent is silent towards this person from then on.

    For a person, in their own terminal. Whatever waits for a yes or for its time is cancelled, and what the agent wants
    to send there is refused, until: ringback giveback. NUMBER may be - or @FILE, which leaves it out of the shell's
    history. Left out, it is asked for.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase

    parsed = named_number(output, number)
    with installation() as here:
        conversations = here.opened.person.conversations
        waiting = here.run(conversations.waiting(parsed.e164))
        cancelled = {0: "Nothing of it waits now.", 1: "1 that waits or is scheduled is cancelled."}
        confirm_number(
            parsed,
            [
                "From now on the agent is silent towards {number}.",
                cancelled.get(waiting, f"{waiting} that wait or are scheduled are cancelled."),
            ],
            output,
            "Nothing was taken over.",
        )
        require_passphrase(here)
        taken = here.run(conversations.take_over(parsed.e164, via="terminal"))
    document = {"taken_over": True, "cancelled": taken.cancelled, "on_their_way": taken.on_their_way}
    output.show(document, _taken_lines(taken))
    return Exit.DONE


@click.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@json_option
@click.pass_obj
def giveback(output: Output, number: str | None) -> int:
    """Give a conversation back to the agent: it may write to this person again.

    For a person, in their own terminal. What was cancelled stays cancelled. NUMBER may be - or @FILE.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase

    parsed = named_number(output, number)
    confirm_number(parsed, ["From now on the agent may write to {number} again."], output, "Nothing was given back.")
    with installation() as here:
        require_passphrase(here)
        ended = here.run(here.opened.person.conversations.give_back(parsed.e164))
    said = "Given back. What was cancelled stays cancelled." if ended else "It was not taken over. Nothing was changed."
    output.show({"given_back": ended}, [said])
    return Exit.DONE


@click.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@click.argument("text", metavar="[TEXT]", required=False)
@json_option
@click.pass_obj
def write(output: Output, number: str | None, text: str | None) -> int:
    """Write to somebody by hand, in a conversation that was taken over.

    For a person, in their own terminal. Quiet hours and limits are not applied to what a person writes; somebody who
    opted out gets nothing from a person either. The last 4 digits of the number confirm it. NUMBER and TEXT may be - or
    @FILE; left out, they are asked for.
    """
    from ringback.ledger.records import Level
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase
    from ringback_server.commands.words import receipt_lines

    parsed = named_number(output, number)
    body = _text(output, text)
    with installation() as here:
        _check_level(here)
        _check_taken(here, parsed)
        digits = confirm_number(parsed, _preview(here, body, output), output, "Nothing was sent.")
        require_passphrase(here)
        receipt = here.run(
            here.opened.person.conversations.write(parsed.e164, body, level=Level.A2, via="terminal", digits=digits)
        )
    output.show(receipt.as_dict(), receipt_lines(receipt, output))
    return receipt_exit(receipt)


@click.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@json_option
@click.pass_obj
def conversation(output: Output, number: str | None) -> int:
    """Show a conversation whole: both directions, the oldest first, the newest 50.

    For a person, in their own terminal, since numbers and texts are shown whole. NUMBER may be - or @FILE.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.words import moment

    parsed = named_number(output, number)
    with installation() as here:
        conversations = here.opened.person.conversations
        standing = here.run(conversations.standing())
        entries = list(reversed(here.run(conversations.of(parsed.e164, _SHOWN))))
    since = next((its.begun_at for its in standing if its.number == parsed), None)
    state = "the agent's" if since is None else f"taken over since {moment(since)}"
    lines = [f"{output.style(parsed.formatted, bold=True)}: {state}"]
    for entry in entries:
        lines += ["", *_entry_lines(entry, output)]
    document = {"number": parsed.e164, "taken_over_at": since, "entries": list(map(_entry_document, entries))}
    output.show(document, lines if entries else [*lines, "Nothing was said yet."])
    return Exit.DONE


def _text(output: Output, given: str | None) -> str:
    from ringback_server.commands.inputs import Inputs
    from ringback_server.commands.terminal import ask

    text = (ask(output, "Your text, on one line: ") or "") if given is None else Inputs().text(given, "TEXT")
    if not text.strip():
        raise InvalidRequest("The text is empty.", hint="Type something to say, or give it as @FILE.")
    return text


def _check_level(here: Installation) -> None:
    """A terminal's word is A2; where a passkey is asked for, it is no yes.

    Raises:
        Refused: a passkey is needed.
    """
    from ringback.ledger.records import Level
    from ringback_server.console.starting import running_console

    least = here.opened.person.least
    if least > Level.A2:
        page = running_console(here.opened.settings) or "ringback console"
        raise Refused(
            "approval_level",
            f"Here what a person writes needs level {least}, a passkey; a terminal's is {Level.A2}.",
            hint=f"Write it on the page: {page}",
        )


def _check_taken(here: Installation, number: PhoneNumber) -> None:
    standing = here.run(here.opened.person.conversations.standing())
    if not any(its.number == number for its in standing):
        raise Refused(
            "not_taken_over", "Nobody has taken over this conversation.", hint="Take it over first: ringback takeover"
        )


def _preview(here: Installation, text: str, output: Output) -> list[str]:
    """What is about to go out, whole, and what is skipped for it."""
    from ringback.model.outbound import Channel
    from ringback.model.text import count_segments, visible
    from ringback_server.commands.terminal import barred

    carrier = here.opened.carriers.route(Channel.SMS)
    live = carrier is not None and carrier.live
    reach = output.style("REAL PHONES RING" if live else "nothing leaves this machine", "red" if live else None)
    size = count_segments(text)
    return [
        "By hand, to {number}:",
        *barred(visible(text)),
        f"{size.count} {'segment' if size.count == 1 else 'segments'}, {size.encoding}",
        f"carrier {carrier.name if carrier else 'none'} ({reach})",
        output.style(_SKIPPED, bold=True),
    ]


def _taken_lines(taken: TakenOver) -> list[str]:
    lines = ["Taken over. The agent is silent towards them.", f"Cancelled: {taken.cancelled}"]
    if taken.on_their_way:
        lines.append(f"{taken.on_their_way} are still being handed to the carrier and cannot be called back.")
    return [*lines, "Write to them: ringback write", "Give it back: ringback giveback"]


def _entry_lines(entry: Record | Received, output: Output) -> list[str]:
    from ringback.ledger.records import Received
    from ringback.model.text import visible
    from ringback_server.commands.terminal import barred
    from ringback_server.commands.words import moment

    if isinstance(entry, Received):
        head = f"{moment(entry.received_at)}  they  {output.status('received')}  {entry.id}"
        text = entry.text or ""
    else:
        who = "by hand" if entry.outbound.by_hand else "agent"
        head = f"{moment(entry.created_at)}  {who}  {output.status(entry.status)}  {entry.channel}  {entry.id}"
        text = entry.outbound.text
    return [head, *barred(visible(text))]


def _entry_document(entry: Record | Received) -> dict[str, object]:
    from ringback.ledger.records import Received

    if isinstance(entry, Received):
        return {"id": entry.id, "by": "them", "status": "received", "at": entry.received_at, "text": entry.text}
    return {
        "id": entry.id,
        "by": "hand" if entry.outbound.by_hand else "agent",
        "channel": entry.channel.value,
        "status": entry.status.value,
        "at": entry.created_at,
        "text": entry.outbound.text,
    }
