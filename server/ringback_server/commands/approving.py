"""`approve`: a person answers, one question at a time, in front of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ringback.errors import Refused
from ringback_server.commands.approving_lists import (
    answered_lines,
    as_it_stands,
    gathered,
    is_list,
    list_lines,
    put_list,
    store_list,
)
from ringback_server.commands.exits import Exit, receipt_exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.ledger.records import Choice
    from ringback.questions import Question
    from ringback.receipts import Receipt
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output


@click.command()
@click.argument("outbound_id", metavar="[ID]", required=False)
@click.option("--list", "only_list", is_flag=True, help="Show what waits, and ask nothing.")
@json_option
@click.pass_obj
def approve(output: Output, outbound_id: str | None, only_list: bool) -> int:  # noqa: FBT001 - click hands it over so
    """Answer what waits for a person's yes: all of it, or one ID.

    For a person, in their own terminal; it refuses where standard input or output is not one. Each question is shown
    whole. A yes needs the last 4 digits of the number; wrong ones cancel it. The same words to several people are one
    list with one answer; a yes to it needs how many are on it. Under RINGBACK_APPROVAL=page a yes needs the console's
    passphrase as well, if one is set; under passkey it is given on the page alone. --list shows what is scheduled and
    what is in doubt as well.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.terminal import require_terminal

    require_terminal(output)
    with installation() as here:
        person = here.opened.person
        waiting = here.run(person.waiting()) if outbound_id is None else [here.run(person.question(outbound_id))]
        groups = gathered(here, waiting)
        if only_list or not groups:
            return _list(here, groups, output, alone=outbound_id is not None)
        answered, code = _answer_all(here, groups, output)
    if output.json:
        output.show({"answered": [receipt.as_dict() for receipt in answered]}, ())
    return code


def _answer_all(here: Installation, groups: list[list[Question]], output: Output) -> tuple[list[Receipt], Exit]:
    """Put every question; the receipts, and the first code that is not what the person asked for."""
    from ringback.ledger.records import Choice, Level
    from ringback_server.commands.passphrasing import require_passphrase

    answered: list[Receipt] = []
    code, is_known = Exit.DONE, False
    refused = _refused(here) if here.opened.person.least > Level.A2 else ""
    for place, group in enumerate(groups, start=1):
        count = f"{place} of {len(groups)}"
        shown = as_it_stands(here, group, output) if is_list(group) else group
        if not shown:
            continue
        if is_list(shown):
            choice, digits = put_list(here, shown, count, output, refused)
        else:
            choice, digits = _put(shown[0], count, output, refused)
        if choice is None:
            break
        if choice is Choice.DISMISSED:
            output.tell("  Left waiting.")
            continue
        if choice is not Choice.NO and not is_known:
            require_passphrase(here)
            is_known = True
        receipts = _answer(here, shown, choice, digits, output)
        answered += receipts
        code = next((each for each in (code, *(_exit(receipt, choice) for receipt in receipts)) if each), Exit.DONE)
    return answered, code


def _answer(
    here: Installation, group: list[Question], choice: Choice, digits: str | None, output: Output
) -> list[Receipt]:
    """Store an answer and tell what became of it."""
    from ringback_server.commands.words import receipt_lines

    if is_list(group):
        receipts = store_list(here, group, choice, digits)
        output.tell("\n".join(answered_lines(receipts, output)))
        return receipts
    receipt = _store(here, group[0], choice, digits)
    output.tell("\n".join(receipt_lines(receipt, output)))
    return [receipt]


def _exit(receipt: Receipt, choice: Choice) -> Exit:
    from ringback.ledger.records import Choice

    return Exit.DONE if choice is Choice.NO and receipt.status == "declined" else receipt_exit(receipt)


def _put(question: Question, count: str, output: Output, refused: str) -> tuple[Choice | None, str | None]:
    """Show one question and take the answer: a choice and the digits. `None` ends it, `DISMISSED` leaves it waiting.

    `refused` says why no yes is taken here, if so.
    """
    from ringback.approvals import DAY_COUNT
    from ringback.ledger.records import Choice
    from ringback_server.commands.output import aligned
    from ringback_server.commands.terminal import ask, ask_digits, drop_typeahead, question_lines

    more = f"this one, and up to {DAY_COUNT} more of this kind to this number in 24 hours, short and without links"
    offered = {
        "once": (Choice.ONCE, "this one"),
        "day": (Choice.DAY, more),
        "no": (Choice.NO, "it is not sent"),
        "skip": (Choice.DISMISSED, "it goes on waiting"),
    }
    if refused:
        output.tell(refused)
        offered = {word: offered[word] for word in ("no", "skip")}
    choices = aligned([(word, meaning) for word, (_, meaning) in offered.items()], indent="  ")
    shown = ["", f"{count}: may this go out?", *question_lines(question, output), "", *choices]
    drop_typeahead()
    output.tell("\n".join(shown))
    while True:
        typed = ask(output, "  Your answer: ")
        if typed is None:
            return None, None
        if typed.lower() in offered:
            break
        if refused and typed.lower() in {"once", "day"}:
            output.tell(f"  {refused}")
    choice = offered[typed.lower()][0]
    if choice in {Choice.NO, Choice.DISMISSED}:
        return choice, None
    digits = ask_digits(output)
    return (None, None) if digits is None else (choice, digits)


def _refused(here: Installation) -> str:
    """Why no yes is taken here, and where one is."""
    from ringback.ledger.records import Level
    from ringback_server.console.starting import running_console

    page = running_console(here.opened.settings) or "ringback console"
    needed = f"a yes needs level {here.opened.person.least} here, a passkey, and a terminal's is {Level.A2}"
    return f"Refused (approval_level): {needed}. It is given on the page: {page}"


def _store(here: Installation, question: Question, choice: Choice, digits: str | None) -> Receipt:
    """Store the answer to what was shown, and to nothing else.

    Raises:
        Refused: the stored outbound is no longer what was shown, or a terminal does not count here.
    """
    from ringback.approvals import Answer
    from ringback.errors import NotFound
    from ringback.ledger.records import Level

    person = here.opened.person
    try:
        now = here.run(person.question(question.id))
    except NotFound:  # it waits no more: the answer changes nothing, and the receipt says what became of it
        now = question
    if now != question:
        raise Refused(
            "approval_mismatch", "What waits is not what was shown.", hint="Nothing was sent. Run: ringback doctor"
        )
    return here.run(person.answer(question.id, Answer(choice, Level.A2, "terminal", digits=digits)))


def _list(here: Installation, groups: list[list[Question]], output: Output, *, alone: bool) -> int:
    """Show what waits for an answer; unless one was asked for, what waits for its time and what is in doubt as well."""
    from ringback_server.commands.terminal import question_lines

    person = here.opened.person
    scheduled = [] if alone else here.run(person.scheduled())
    doubtful = [] if alone else here.run(person.doubtful())
    waiting = [question for group in groups for question in group]
    lines = [line for group in groups for line in (*_group_lines(here, group, output), "")]
    lines = lines or ["Nothing waits.", ""]
    for question in scheduled:
        shown = question_lines(question, output, state="it has its yes, and goes out at its time")
        lines += [output.style("Scheduled", bold=True), *shown, f"  To stop it: ringback cancel {question.id}", ""]
    for question, _ in doubtful:
        shown = question_lines(question, output, state="it may or may not have gone out")
        ask = "  Ask the recipient, or look at the carrier's own list. Then: "
        lines += [output.style("In doubt", bold=True), *shown, f"{ask}ringback resolve {question.id} sent|not-sent", ""]
    document = {"waiting": waiting, "scheduled": scheduled, "in_doubt": [question for question, _ in doubtful]}
    output.show({name: list(map(_document, questions)) for name, questions in document.items()}, lines[:-1])
    return Exit.DONE


def _group_lines(here: Installation, group: list[Question], output: Output) -> list[str]:
    from ringback_server.commands.terminal import question_lines

    return list_lines(here, group, output) if is_list(group) else question_lines(group[0], output)


def _document(question: Question) -> dict[str, object]:
    from ringback.model.moment import iso

    told: dict[str, object] = {
        "id": question.id,
        "channel": question.channel.value,
        "carrier": question.carrier,
        "live": question.live,
        "to": question.number,
        "country": question.country,
        "text": question.text,
        "expires_at": question.expires_at,
        "media_url": question.media_url,
        "send_at": None if question.send_at is None else iso(question.send_at),
        "bulk": question.bulk or None,
    }
    return {name: value for name, value in told.items() if value is not None}
