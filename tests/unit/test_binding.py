"""What leaves is what was approved: ten thousand changes in between, and none of them goes out."""

from __future__ import annotations

import asyncio
import random
import string
from dataclasses import replace
from typing import TYPE_CHECKING

from ringback_support.fakes import FakeCarrier
from ringback_support.installation import KEYRING, MASTER, TO, YES, approve, opened, outbound, stored

from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ringback.opening import Ringback

CHANGES = 10_000
SEED = 20_261_121


def other_digit(number: PhoneNumber, dice: random.Random) -> PhoneNumber:
    place = dice.randrange(2, len(number.e164))
    digit = dice.choice([char for char in string.digits if char != number.e164[place]])
    return PhoneNumber(number.e164[:place] + digit + number.e164[place + 1 :])


def other_text(text: str, dice: random.Random) -> str:
    """The text with one character put in, taken out, replaced or moved; never the same text."""
    place = dice.randrange(len(text))
    strange = dice.choice(string.printable.strip() + "\u200b\u202e\u00a0\u0430\uff11 \n")
    changed = dice.choice(
        [
            text[:place] + strange + text[place:],
            text[:place] + text[place + 1 :],
            text[:place] + strange + text[place + 1 :],
            text[place:] + text[:place],
            text.swapcase(),
        ]
    )
    return changed if changed.strip() and changed != text else text + strange + "."


def other_media(wish: Outbound, dice: random.Random) -> Outbound:
    assert wish.media_url is not None
    return replace(wish, media_url=wish.media_url + dice.choice(["?", "/", "#x", "g", "%20"]))


def changed(wish: Outbound, dice: random.Random) -> Outbound:
    """The wish with one thing changed."""
    ways: list[Callable[[], Outbound]] = [
        lambda: replace(wish, to=other_digit(wish.to, dice)),
        lambda: replace(wish, text=other_text(wish.text, dice)),
    ]
    if wish.media_url is not None:
        ways.append(lambda: other_media(wish, dice))
    else:
        other = Channel.VOICE if wish.channel is Channel.SMS else Channel.SMS
        ways.append(lambda: replace(wish, channel=other))
    return dice.choice(ways)()


def rewrite(ringback: Ringback, row: str, wish: Outbound) -> None:
    """Put another content under an approval, as somebody with the file and the key could."""
    plain = {"to": wish.to.e164, "text": wish.text, "media_url": wish.media_url}
    sealed = KEYRING.seal(plain, row=row, column="sealed")
    with ringback.ledger.database.transaction("edit"):
        ringback.ledger.database._connection.execute(
            "UPDATE outbound SET sealed = ?, channel = ?, status = 'approved', reason = NULL WHERE id = ?",
            (sealed, wish.channel, row),
        )


async def test_ten_thousand_changes_between_the_yes_and_the_dispatch_send_nothing(home: Path) -> None:
    dice = random.Random(SEED)
    carrier = FakeCarrier()
    async with opened(home, carrier, key=MASTER.hex()) as ringback:
        wishes = [outbound(), outbound(channel=Channel.MMS), outbound(channel=Channel.VOICE)]
        records = [await approve(ringback.ledger, await stored(ringback.ledger, wish)) for wish in wishes]
        for count in range(CHANGES):
            record = records[count % len(records)]
            rewrite(ringback, record.id, changed(record.outbound, dice))
            ended = await ringback.dispatcher.dispatch(record.id)
            assert (ended.status, ended.reason) == (Status.REFUSED, "approval_mismatch"), count
        assert not carrier.sent
        for record in records:  # and what was approved still goes, once it stands there again
            rewrite(ringback, record.id, record.outbound)
            await ringback.dispatcher.dispatch(record.id)
    assert carrier.sent == wishes


async def test_five_hundred_answers_at_once_through_two_openings_send_one_message(home: Path) -> None:
    carriers = FakeCarrier(), FakeCarrier()
    async with opened(home, carriers[0]) as one, opened(home, carriers[1]) as other:
        receipt = await one.telephone.send_sms(TO, "One")
        people = [one.person, other.person] * 250
        answers = await asyncio.gather(*(person.answer(receipt.id, YES) for person in people))
        ended = await one.telephone.status(receipt.id)
    assert len(carriers[0].sent) + len(carriers[1].sent) == 1
    assert {answer.id for answer in answers} == {receipt.id}
    assert ended.status == Status.ACCEPTED
