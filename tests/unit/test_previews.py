"""A dry run tells what would happen and changes nothing; what it tells is what then happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import PICTURE, TO, allow, content_of, opened, rows

from ringback.errors import InvalidNumber, InvalidRequest, Refused
from ringback.model.outbound import Channel
from ringback.wishes import Asked

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.previews import Preview

CURLY = "It\u2019s five \u2014 see you"


def sms(text: str = "See you at three.", **more: Any) -> Asked:
    return Asked(Channel.SMS, TO, text, **more)


def result(preview: Preview, rule: str) -> str:
    return next(ruling.result for ruling in preview.rules if ruling.rule == rule)


async def test_a_preview_stores_and_sends_nothing(home: Path) -> None:
    carrier = FakeCarrier(live=True)
    async with opened(home, carrier) as ringback:
        for asked in (sms(), Asked(Channel.MMS, TO, "Here", PICTURE), Asked(Channel.VOICE, TO, "Press 1.")):
            await ringback.telephone.preview(asked)
        assert (await ringback.telephone.history()).items == ()
    assert carrier.sent == []
    assert rows(home, "SELECT * FROM outbound") == rows(home, "SELECT * FROM event") == []
    assert TO.encode() not in content_of(home)


async def test_it_says_whether_it_would_go_be_asked_about_or_be_refused(home: Path) -> None:
    async with opened(home, FakeCarrier(live=True), limits="recipient=1/hour") as ringback:
        asks = await ringback.telephone.preview(sms())
        await allow(ringback)
        goes = await ringback.telephone.preview(sms())
        assert (await ringback.telephone.send_sms(TO, "See you at three.")).status == "accepted"
        refused = await ringback.telephone.preview(sms("Another"))
        with pytest.raises(Refused) as refusal:
            await ringback.telephone.send_sms(TO, "Another")
    assert (asks.would, goes.would, refused.would) == ("ask", "go", "be refused")
    assert result(asks, "approval") == "asks"
    over = next(ruling for ruling in refused.rules if ruling.rule == "limits")
    assert (over.code, over.message, over.next) == (refusal.value.rule, refusal.value.message, refusal.value.hint)
    assert over.send_at is not None
    assert over.send_at in refused.next
    assert refused.limits == ({"for": "recipient", "per": "hour", "limit": 1, "left": 0, "next_at": over.send_at},)


async def test_every_rule_that_refuses_is_told_not_the_first_alone(home: Path) -> None:
    night = FakeClock()  # 05:00 where the number is
    async with opened(
        home, FakeCarrier(live=True), clock=night, hours="08:00-21:00", countries="DE", budget="1 USD/day"
    ) as ringback:
        preview = await ringback.telephone.preview(sms())
    assert {ruling.rule for ruling in preview.rules if ruling.result == "refuses"} >= {"country", "quiet_hours"}
    assert preview.local_time == "Tue 10 Mar 2026, 05:00 America/Los_Angeles"


async def test_what_the_sandbox_lets_pass_is_told_as_it_would_be_on_a_real_line(home: Path) -> None:
    async with opened(home, hours="08:00-21:00", countries="DE", limits="all=0/hour") as ringback:
        preview = await ringback.telephone.preview(sms())
    assert preview.would == "ask"
    assert preview.limits is None
    assert [ruling.rule for ruling in preview.on_a_real_line or ()] == ["country", "quiet_hours", "limits"]
    assert "On a real line it would be refused (quiet_hours)" in preview.summary


async def test_the_character_that_costs_is_named_and_a_plain_text_is_offered(home: Path) -> None:
    async with opened(home) as ringback:
        preview = await ringback.telephone.preview(sms(CURLY))
        plain = await ringback.telephone.preview(sms("It's five"))
    travels: dict[str, Any] = preview.travels or {}
    assert (travels["encoding"], travels["segments"]) == ("UCS-2", 1)
    assert [each["name"] for each in travels["forced_by"]] == ["RIGHT SINGLE QUOTATION MARK", "EM DASH"]
    assert (travels["suggestion"], travels["suggested_segments"]) == ("It's five - see you", 1)
    assert plain.travels == {"encoding": "GSM-7", "segments": 1, "left": 151}


async def test_a_call_is_told_whole_with_its_opening(home: Path) -> None:
    async with opened(home, caller_name="Dr. Example") as ringback:
        preview = await ringback.telephone.preview(Asked(Channel.VOICE, TO, "Press 1 to confirm."))
    assert preview.says is not None
    assert preview.says.startswith("Hello. This is an AI assistant with an artificial voice, calling for Dr. Example.")
    assert preview.says.endswith("Press 1 to confirm.")
    assert preview.travels is None


async def test_a_wish_made_before_is_told_with_its_id(home: Path) -> None:
    async with opened(home) as ringback:
        first = await ringback.telephone.send_sms(TO, "See you at three.")
        again = await ringback.telephone.preview(sms())
        other = await ringback.telephone.preview(sms("Another"))
    assert (again.repeats, other.repeats) == (first.id, None)
    assert first.id in again.next


async def test_it_holds_no_whole_number(home: Path) -> None:
    async with opened(home) as ringback:
        told = str((await ringback.telephone.preview(sms())).as_dict())
    assert TO not in told
    assert TO[2:] not in told
    assert TO[-4:] in told


async def test_what_cannot_be_read_is_told_as_by_the_send(home: Path) -> None:
    async with opened(home) as ringback:
        with pytest.raises(InvalidNumber):
            await ringback.telephone.preview(Asked(Channel.SMS, "415 555 0123", "Hello"))
        with pytest.raises(InvalidRequest):
            await ringback.telephone.preview(sms(" "))
        with pytest.raises(InvalidRequest):
            await ringback.telephone.preview(sms(send_at="2020-01-01T00:00:00Z"))


async def test_one_of_a_list_is_told_as_such_where_an_allowance_would_let_it_go(home: Path) -> None:
    async with opened(home, FakeCarrier(live=True), bulk="1/hour") as ringback:
        await allow(ringback)
        alone = await ringback.telephone.preview(sms("Sale!"))
        await ringback.telephone.send_sms("+14155550124", "Sale!")
        listed = await ringback.telephone.preview(sms("Sale!"))
        receipt = await ringback.telephone.send_sms(TO, "Sale!")
    assert (alone.would, listed.would, receipt.status) == ("go", "ask", "awaiting_approval")
    assert [ruling.code for ruling in listed.rules if ruling.result == "asks"] == ["bulk_list"]
    assert "Asked about by bulk (bulk_list)" in listed.summary
