"""A recipient that a person allowed beforehand: what that covers, and what is asked about all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import KEYRING, TO, approve, opened, outbound, stored

from ringback.approvals import Answer, day_grant
from ringback.errors import CarrierUnavailable, LedgerError
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.model.text import has_link, visible

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback


async def allow(ringback: Ringback, *, channel: Channel = Channel.SMS, count: int = 5, plain: bool = True) -> str:
    return await ringback.person.allow(
        TO, channel, level=Level.A2, via="terminal", seconds=3600, count=count, plain=plain
    )


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("See you at three.", False),
        ("a" * 480, False),
        ("a" * 481, True),
        ("Pay at https://evil.example/now", True),
        ("Pay at evil.example/now", True),
        ("Pay at www.evil", True),
        ("Pay at EVIL.EXAMPLE", True),
        ("That was version 2.0. It is out.", False),
    ],
)
async def test_a_plain_allowance_covers_short_texts_without_links(home: Path, text: str, asked: bool) -> None:
    async with opened(home) as ringback:
        await allow(ringback)
        receipt = await ringback.telephone.send_sms(TO, text)
    assert (receipt.status == Status.AWAITING_APPROVAL) == asked
    assert (receipt.approval == Level.A0) != asked


async def test_an_allowance_that_is_not_plain_covers_links_and_long_texts(home: Path) -> None:
    async with opened(home) as ringback:
        await allow(ringback, plain=False)
        receipt = await ringback.telephone.send_sms(TO, "https://example.com " + "a" * 1000)
    assert receipt.approval == Level.A0


async def test_trusting_a_number_for_a_day_covers_pictures_from_the_host_that_was_shown_and_no_other(
    home: Path,
) -> None:
    async with opened(home) as ringback:
        telephone = ringback.telephone
        first = await telephone.send_mms(TO, "One", "https://pictures.example/1.png")
        await ringback.person.answer(first.id, Answer(Choice.DAY, Level.A2, "page"))
        same = await telephone.send_mms(TO, "Two", "https://pictures.example/2.png")
        other = await telephone.send_mms(TO, "Three", "https://elsewhere.example/3.png")
    assert same.approval == Level.A0
    assert other.status == Status.AWAITING_APPROVAL


async def test_an_ended_allowance_covers_nothing_from_that_moment(home: Path) -> None:
    async with opened(home) as ringback:
        identity = await allow(ringback)
        assert (await ringback.telephone.send_sms(TO, "One")).approval == Level.A0
        assert await ringback.person.revoke(identity)
        assert not await ringback.person.revoke(identity)
        assert (await ringback.telephone.send_sms(TO, "Two")).status == Status.AWAITING_APPROVAL


async def test_what_may_have_gone_out_already_is_asked_about_whatever_was_allowed(home: Path) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier) as ringback:
        await allow(ringback)
        carrier.outcomes.append(CarrierUnavailable("broke"))
        doubtful = await ringback.telephone.send_sms(TO, "One")
        again = await ringback.telephone.send_sms(TO, "One", idempotency_key="a new one")
    assert doubtful.status == Status.UNKNOWN
    assert again.status == Status.AWAITING_APPROVAL
    assert len(carrier.sent) == 1


async def test_a_new_key_does_not_ask_again_what_a_person_just_declined(home: Path) -> None:
    clock = FakeClock()
    async with opened(home, clock=clock) as ringback:
        first = await ringback.telephone.send_sms(TO, "One")
        await ringback.person.answer(first.id, Answer(Choice.NO, Level.A2, "page"))
        again = await ringback.telephone.send_sms(TO, "One", idempotency_key="a new one")
        assert (again.id, again.status) == (first.id, Status.DECLINED)
        clock.move(601)
        later = await ringback.telephone.send_sms(TO, "One", idempotency_key="another one")
    assert later.status == Status.AWAITING_APPROVAL


async def test_a_consent_does_not_outlive_the_time_it_was_given_for(home: Path) -> None:
    """Somebody who can write the file moves the end of an approval: the digest no longer fits."""
    carrier = FakeCarrier()
    async with opened(home, carrier) as ringback:
        record = await stored(ringback.ledger)
        await approve(ringback.ledger, record)
        with ringback.ledger.database.transaction("edit"):
            connection = ringback.ledger.database._connection
            connection.execute("UPDATE outbound SET expires_at = expires_at + 3600 WHERE id = ?", (record.id,))
        refused = await ringback.dispatcher.dispatch(record.id)
    assert (refused.status, refused.reason) == (Status.REFUSED, "approval_mismatch")
    assert not carrier.sent


def test_the_digest_changes_with_the_end_of_the_approval() -> None:
    one, other = (KEYRING.digest(outbound(), row="ob_1", expires_at=at) for at in (1.0, 1.0000001))
    assert one != other


def test_a_days_trust_is_for_the_channel_carrier_and_length_of_what_was_shown() -> None:
    grant = day_grant(outbound(channel=Channel.VOICE))
    assert (grant.channel, grant.carrier, grant.links, grant.count) == (Channel.VOICE, "sandbox", False, 20)


@pytest.mark.parametrize("text", ["foo.bar", "see bit.ly/x", "a@b.com", "HTTP:x", "räksmörgås.se.", "x.example?y"])
def test_what_a_telephone_would_open_counts_as_a_link(text: str) -> None:
    assert has_link(text)


@pytest.mark.parametrize("text", ["e.g. this", "2.0", "Well. Then", "...", "3.50 each", "a/b"])
def test_ordinary_punctuation_is_no_link(text: str) -> None:
    assert not has_link(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\uff11", "\uff11⟦U+FF11⟧"),
        ("\u0661", "\u0661⟦U+0661⟧"),
        ("\U0001d7d9", "\U0001d7d9⟦U+1D7D9⟧"),
        ("⟦U+202E⟧", "⟦U+27E6⟧U+202E⟧"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("a" + "\n" * 4 + "b", "a\n\n⟦2 more empty lines⟧\nb"),
        ("a" + "\n" * 900 + "b", "a\n\n⟦898 more empty lines⟧\nb"),
    ],
)
def test_look_alikes_floods_and_imitated_brackets_are_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


async def test_a_no_counts_whichever_of_several_questions_it_answers(home: Path) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier) as ringback:
        receipt = await ringback.telephone.send_sms(TO, "One")
        older = await ringback.person.ask_client(receipt.id)
        newer = await ringback.person.ask_client(receipt.id)
        said_no = Answer(Choice.NO, Level.A1, "client:test", nonce=older)
        said_yes = Answer(Choice.ONCE, Level.A1, "client:test", digits=TO[-4:], nonce=newer)
        assert (await ringback.person.answer(receipt.id, said_no)).status == Status.DECLINED
        assert (await ringback.person.answer(receipt.id, said_yes)).status == Status.DECLINED
    assert not carrier.sent


async def test_a_row_that_something_else_changed_hides_no_other(home: Path) -> None:
    async with opened(home) as ringback:
        spoilt = await stored(ringback.ledger)
        await ringback.telephone.send_sms(TO, "Another one")
        with ringback.ledger.database.transaction("edit"):
            connection = ringback.ledger.database._connection
            connection.execute("UPDATE outbound SET sealed = x'00' WHERE id = ?", (spoilt.id,))
        page = await ringback.telephone.history()
        await ringback.telephone.tend()
        assert [item.id for item in page.items] != []
        assert spoilt.id not in {item.id for item in page.items}
        with pytest.raises(LedgerError, match="cannot be opened"):
            await ringback.telephone.status(spoilt.id)
