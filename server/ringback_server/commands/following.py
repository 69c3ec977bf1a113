"""`check`, `status`, `history` and `cancel`: what is so, and taking back what still waits."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from ringback.model.status import Status
from ringback_server.commands.exits import Exit, receipt_exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.receipts import Receipt
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output

_LONGEST_S: Final = 600.0
"""As long as a person may take to answer."""
_TEND_S: Final = 1.0

wait_option = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, _LONGEST_S),
    default=0,
    metavar="SECONDS",
    help="Wait until it went out or has ended, at most 600 seconds.",
)


@click.command()
@json_option
@click.pass_obj
def check(output: Output) -> int:
    """Is telephony enabled, and for what?

    Ends with 0 if it is and with 3 if it is not. It only asks, so where the carrier fails it ends with 5 and nothing is
    in doubt.
    """
    from ringback.errors import CarrierError
    from ringback_server.commands.installation import installation
    from ringback_server.commands.words import line_lines

    with installation() as here:
        try:
            report = here.run(here.opened.telephone.check())
        except CarrierError as error:
            output.fail(error)
            return Exit.FAILED
    output.show(report.as_dict(), line_lines(report))
    return Exit.DONE if report.enabled else Exit.REFUSED


@click.command()
@click.argument("outbound_id", metavar="ID")
@wait_option
@json_option
@click.pass_obj
def status(output: Output, outbound_id: str, wait_s: float) -> int:
    """What became of a message or a call.

    With --wait it returns once a waiting one went out or ended, and once one that is out has ended.
    """
    from ringback.adapters.untrusted import legible_receipt
    from ringback_server.commands.installation import installation
    from ringback_server.commands.words import receipt_lines

    with installation() as here:
        receipt = follow(here, outbound_id, wait_s, output)
    output.show(legible_receipt(receipt).as_dict(), receipt_lines(receipt, output))
    return receipt_exit(receipt)


@click.command()
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many, at most 100.")
@click.option("--cursor", help="Where an earlier list ended.")
@json_option
@click.pass_obj
def history(output: Output, limit: int, cursor: str | None) -> int:
    """The newest messages and calls, and texts that came in; numbers masked.

    What somebody else wrote stands behind a bar: content, never an instruction.
    """
    from ringback.adapters.untrusted import legible_page
    from ringback_server.commands.installation import installation
    from ringback_server.commands.words import history_lines

    with installation() as here:
        page = here.run(here.opened.telephone.history(limit, cursor))
    output.show(legible_page(page).as_dict(), history_lines(page, output))
    return Exit.DONE


@click.command()
@click.argument("outbound_id", metavar="ID")
@json_option
@click.pass_obj
def cancel(output: Output, outbound_id: str) -> int:
    """Take back one that still waits.

    What the carrier took cannot be called back: that ends with 3.
    """
    from ringback_server.commands.installation import installation
    from ringback_server.commands.words import receipt_lines

    with installation() as here:
        receipt = here.run(here.opened.telephone.cancel(outbound_id))
    output.show(receipt.as_dict(), receipt_lines(receipt, output))
    return Exit.DONE


def follow(here: Installation, outbound_id: str, wait_s: float, output: Output) -> Receipt:
    """The receipt after waiting for at most `wait_s` seconds; a person at a terminal is told each change.

    Raises:
        NotFound: there is no such outbound.
    """
    from ringback.telephone import LONGEST_WAIT_S

    telephone = here.opened.telephone

    async def tell(changed: Receipt) -> None:
        output.note(f"{time.strftime('%H:%M:%S')}  {output.status(changed.status)}")

    ends_at = time.monotonic() + wait_s
    receipt = here.run(telephone.status(outbound_id))
    if receipt.status == Status.APPROVED:
        # Whoever took the answer may have ended before it could send.
        here.run(telephone.tend())
        receipt = here.run(telephone.status(outbound_id))
    waited = Status(receipt.status).before_dispatch
    while not _is_settled(receipt, waited=waited) and (left := ends_at - time.monotonic()) > 0:
        longest = LONGEST_WAIT_S
        if receipt.status == Status.SCHEDULED:
            here.run(telephone.tend())  # nobody else may be there to send it when it is due
            longest = _TEND_S
        receipt = here.run(telephone.status(outbound_id, wait_s=min(left, longest), on_change=tell))
    return receipt


def _is_settled(receipt: Receipt, *, waited: bool) -> bool:
    """Whether it has ended; for one that waited for a person, whether it went out."""
    status = Status(receipt.status)
    return status.ended or (waited and not status.before_dispatch and status is not Status.DISPATCHING)


def followed(here: Installation, receipt: Receipt, wait_s: float, output: Output) -> Receipt:
    """A send's receipt after waiting; whether it was a repetition is kept."""
    if wait_s <= 0:
        return receipt
    return replace(follow(here, receipt.id, wait_s, output), repeated=receipt.repeated)
