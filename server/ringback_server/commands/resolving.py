"""`resolve`: a person says what they found out about an outbound that nobody knows the outcome of."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import click

from ringback.errors import NotFound, Refused
from ringback.model.status import Status
from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.questions import Question
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output


@click.command()
@click.argument("outbound_id", metavar="ID")
@click.argument("outcome", metavar="sent|not-sent", type=click.Choice(["sent", "not-sent"]))
@json_option
@click.pass_obj
def resolve(output: Output, outbound_id: str, outcome: str) -> int:
    """Say whether one in doubt went out.

    For a person, in their own terminal, who asked the recipient or looked at the carrier's own list. It is shown whole,
    and the last 4 digits of the number confirm it. What they say is stored and told; nothing is sent by it.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.passphrasing import require_passphrase
    from ringback_server.commands.terminal import require_terminal
    from ringback_server.commands.words import receipt_lines

    require_terminal(output)
    with installation() as here:
        question = _in_doubt(here, outbound_id)
        _confirm(question, outcome, output)
        require_passphrase(here)
        receipt = here.run(here.opened.person.resolve(outbound_id, sent=outcome == "sent"))
    output.show(receipt.as_dict(), receipt_lines(receipt, output))
    return Exit.DONE


def _in_doubt(here: Installation, outbound_id: str) -> Question:
    """The doubtful outbound, whole, after the carrier was asked once more.

    Raises:
        NotFound: there is no such outbound, or it was erased.
        Refused: there is no doubt about it.
    """
    receipt = here.run(here.opened.telephone.status(outbound_id))
    if receipt.status != Status.UNKNOWN:
        raise Refused(
            "not_in_doubt",
            f"There is no doubt about it: it is {receipt.status}.",
            hint=f"See: ringback status {outbound_id}",
        )
    for question, _ in here.run(here.opened.person.doubtful()):
        if question.id == outbound_id:
            return question
    raise NotFound("Number and text of this outbound were erased.", hint="Only its bare record is kept.")


def _confirm(question: Question, outcome: str, output: Output) -> None:
    """Show it whole and have the person type the number's last digits.

    Raises:
        Refused: they typed others, or none.
    """
    from ringback_server.commands.terminal import ask_digits, drop_typeahead, question_lines

    claim = {
        "sent": "You say that it WENT OUT.",
        "not-sent": "You say that it did NOT go out. If it did, whoever repeats it sends it twice.",
    }[outcome]
    drop_typeahead()
    shown = question_lines(question, output, state="in doubt: the carrier's answer was lost")
    output.tell("\n".join(["", *shown, "", f"  {output.style(claim, bold=True)}", "  Nothing is sent by this.", ""]))
    typed = ask_digits(output)
    if typed is None or not hmac.compare_digest(typed, _last_digits(question)):
        raise Refused("digits_did_not_match", "The digits are not the number's last ones.", hint="Nothing was stored.")


def _last_digits(question: Question) -> str:
    return "".join(char for char in question.number if char.isdecimal())[-4:]
