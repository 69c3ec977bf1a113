"""`approve` for a list: the same text to several people, shown whole and answered once."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from ringback.errors import NotFound, Refused
from ringback_server.commands.output import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringback.ledger.records import Choice
    from ringback.questions import Question
    from ringback.receipts import Receipt
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

_COUNT: Final = re.compile(r"[0-9]{1,6}")
_TOLD: Final = 20


def gathered(here: Installation, waiting: Sequence[Question]) -> list[list[Question]]:
    """What waits, by question that is put: one outbound alone, or a whole list with the same words.

    What is beyond the longest list makes another group, which can be answered after the first one was.
    """
    groups: list[list[Question]] = []
    beyond: dict[tuple[str, str | None], list[Question]] = {}
    seen: set[str] = set()
    for question in waiting:
        words = (question.text, question.media_url)
        if question.id in seen:
            continue
        if question.bulk and words in beyond:
            beyond[words].append(question)
            continue
        group = here.run(here.opened.person.listed(question.id)) if question.bulk else []
        if all(question.id != each.id for each in group):
            group = [question]
            if question.bulk:
                beyond[words] = group
        groups.append(group)
        seen |= {each.id for each in group}
    return groups


def is_list(group: Sequence[Question]) -> bool:
    """Whether it is answered as a whole; a list of one is a list, too."""
    return group[0].bulk


def as_it_stands(here: Installation, group: Sequence[Question], output: Output) -> list[Question]:
    """The list as it waits now, to be shown; empty where none can be answered, which is told."""
    now = here.run(here.opened.person.listed(group[0].id))
    waits = {question.id for question in now}
    if any(question.id in waits for question in group):
        return now
    output.tell("  These can be answered once the list before them was." if now else "  These wait no more.")
    return []


def list_lines(here: Installation, group: Sequence[Question], output: Output) -> list[str]:
    """A list, whole: every recipient with number and country, the words, and what it comes to in sum.

    The words are the same but for case, blanks and signs; and it may go by several channels. Each form is shown with
    those who get it.
    """
    from ringback_server.commands.terminal import ago, span

    forms: dict[tuple[str, ...], list[Question]] = {}
    for question in group:
        key = (question.channel, question.carrier, question.text, question.media_url or "")
        forms.setdefault(key, []).append(question)
    people = len({question.number for question in group})
    told = f"A LIST of {len(group)}, to {'1 person' if people == 1 else f'{people} people'}, with the same words"
    differ = f"{len(forms)} that differ a little; each is shown below" if len(forms) > 1 else ""
    size = sum(question.segments.count for question in group if question.segments)
    rows = [
        ("To", output.style(told, bold=True)),
        ("Forms", differ),
        ("Size", f"{size} {'segment' if size == 1 else 'segments'} in all" if size else ""),
        ("Cost", _cost(here, group)),
        ("Asked", f"{ago(time.time() - group[0].asked_at)} by {', '.join(sorted({each.asked_by for each in group}))}"),
        ("Expires", f"the first in {span(min(question.expires_at for question in group) - time.time())}"),
    ]
    places = {question.id: place for place, question in enumerate(group, start=1)}
    shown = [line for form in forms.values() for line in ("", *_form_lines(form, places, output))]
    return [*aligned(rows, indent="  "), *shown]


def _form_lines(form: Sequence[Question], places: dict[str, int], output: Output) -> list[str]:
    """What goes out in exactly this form, and to whom."""
    from ringback_server.commands.terminal import KINDS, barred

    first = form[0]
    live = any(question.live for question in form)
    reach = "REAL PHONES RING" if live else "nothing leaves this machine"
    segments = first.segments
    size = (
        f"{segments.count} {'segment' if segments.count == 1 else 'segments'}, {segments.encoding}" if segments else ""
    )
    rows = [
        ("What", KINDS[first.channel]),
        ("Carrier", f"{first.carrier} ({output.style(reach, 'red' if live else None)})"),
        ("Each", size),
    ]
    media = ["  Media URL:", *barred(first.media_url)] if first.media_url else []
    label = "The voice says:" if first.segments is None else "Text:"
    recipients = _recipients(form, places, output)
    return [*aligned(rows, indent="  "), *recipients, *media, f"  {label}", *barred(first.text)]


def _recipients(form: Sequence[Question], places: dict[str, int], output: Output) -> list[str]:
    from ringback_server.commands.words import due

    width, numbers = len(str(len(places))), max(len(question.number) for question in form)
    lines = []
    for question in form:
        number = output.style(f"{question.number:<{numbers}}", bold=True)
        when = f", goes out {due(question.send_at)}" if question.send_at else ""
        where = f"{question.country}, {question.line_type}{when}"
        lines.append(f"  {places[question.id]:>{width}}. {number}  {where}  {question.id}")
    return lines


def _cost(here: Installation, group: Sequence[Question]) -> str:
    """What it may cost in sum, and each in the price table's own words."""
    from ringback.model.limits import tell_money

    kinds: dict[str, int] = {}
    for question in group:
        kinds[question.cost] = kinds.get(question.cost, 0) + 1
    each = "; ".join(f"{count} x {words}" for words, count in kinds.items())
    prices = [here.run(here.opened.ledger.outbounds.get(question.id)).price for question in group]
    known, unknown = sum(price or 0 for price in prices), prices.count(None)
    if not known:
        return next(iter(kinds)) if len(kinds) == 1 else each
    currency = here.run(here.opened.person.overview.standing(1)).currency
    more = f", and {unknown} of which no price is known" if unknown else ""
    return f"about {tell_money(known, currency)} in all{more} ({each})"


def put_list(
    here: Installation, group: Sequence[Question], count: str, output: Output, refused: str
) -> tuple[Choice | None, str | None]:
    """Show a list and take the one answer to it, as for a single one.

    `refused` says why no yes is taken here, if so.
    """
    from ringback.ledger.records import Choice
    from ringback_server.commands.terminal import ask, drop_typeahead

    offered = {
        "all": (Choice.ONCE, "to every one of them, once"),
        "no": (Choice.NO, "to none of them"),
        "skip": (Choice.DISMISSED, "they go on waiting"),
    }
    if refused:
        output.tell(refused)
        del offered["all"]
    choices = aligned([(word, meaning) for word, (_, meaning) in offered.items()], indent="  ")
    head = f"{count}: may this go out to ALL of these?"
    drop_typeahead()
    output.tell("\n".join(["", head, *list_lines(here, group, output), "", *choices]))
    while True:
        typed = ask(output, "  Your answer: ")
        if typed is None:
            return None, None
        if typed.lower() in offered:
            break
        if refused and typed.lower() == "all":
            output.tell(f"  {refused}")
    choice = offered[typed.lower()][0]
    if choice in {Choice.NO, Choice.DISMISSED}:
        return choice, None
    number = _ask_count(output)
    return (None, None) if number is None else (choice, number)


def _ask_count(output: Output) -> str | None:
    from ringback_server.commands.terminal import ask

    while True:
        typed = ask(output, "  Type how many are on this list: ")
        if typed is None or _COUNT.fullmatch(typed):
            return typed


def store_list(here: Installation, group: Sequence[Question], choice: Choice, number: str | None) -> list[Receipt]:
    """Store the answer to the list that was shown, and to nothing else.

    Raises:
        Refused: a stored outbound is no longer what was shown, or a terminal does not count here.
    """
    from ringback.approvals import Answer
    from ringback.ledger.records import Level

    person = here.opened.person
    for question in group:
        try:
            now = here.run(person.question(question.id))
        except NotFound:  # it waits no more: the answer changes nothing of it
            continue
        if now != question:
            raise Refused(
                "approval_mismatch", "What waits is not what was shown.", hint="Nothing was sent. Run: ringback doctor"
            )
    ids = [question.id for question in group]
    return here.run(person.answer_list(ids, Answer(choice, Level.A2, "terminal", digits=number)))


def answered_lines(receipts: Sequence[Receipt], output: Output) -> list[str]:
    """What became of a list: counted, and each that did not go as the others, one a line."""
    counted: dict[tuple[str, str], int] = {}
    for receipt in receipts:
        kind = (receipt.status, receipt.reason or "")
        counted[kind] = counted.get(kind, 0) + 1
    lines = [
        f"  {count} x {output.status(status)}{f' ({reason})' if reason else ''}"
        for (status, reason), count in counted.items()
    ]
    if len(counted) > 1:
        most = max(counted, key=counted.__getitem__)
        odd = [receipt for receipt in receipts if (receipt.status, receipt.reason or "") != most]
        lines += [f"    {output.status(each.status)}  {each.to}  {each.id}" for each in odd[:_TOLD]]
        if len(odd) > _TOLD:
            lines.append(f"    and {len(odd) - _TOLD} more: ringback history")
    return lines
