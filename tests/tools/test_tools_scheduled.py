"""A send with a time: asked about now, held here, sent once at its time, cancelled or missed before."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.tools.support import (
    ERAS,
    MODERN,
    SENDING,
    TO,
    Reader,
    arguments_of,
    in_seconds,
    receipt_of,
    sent_by,
    text_of,
)
from tests.tools.wire import asks, bare

from ringback import tools as native_tools
from ringback.model.moment import tell_moment

if TYPE_CHECKING:
    from tests.tools.support import House

BOTH_ERAS = ["2025-11-25", MODERN]
GRACE_S = 900
NO_MOMENTS = {
    "no offset and no zone": "2026-11-22T09:00:00",
    "a date alone": "2026-11-22",
    "past": "2020-01-01T00:00:00Z",
    "too far": "2999-01-01T00:00:00Z",
    "an abbreviation": "2026-11-22 09:00 CST",
    "words": "tomorrow at nine",
    "a gap": "2027-03-28 02:30 Europe/Berlin",
    "empty": "",
}


async def tend(house: House) -> None:
    """What another server of the same installation would do now."""
    async with house.opened() as opened:
        await opened.telephone.tend()


async def shown(house: House, era: str, elicitation: dict[str, Any], wish: dict[str, Any]) -> str:
    """The question as the client of an era gets it."""
    async with bare(house, era=era, elicitation=elicitation) as client:
        if era == MODERN:
            asked = (await client.call("send-sms", wish))["inputRequests"]["approval"]["params"]
        else:
            await client.request("tools/call", {"name": "send-sms", "arguments": wish})
            asked = (await client.until(asks))["params"]
    message: str = asked["message"]
    return message


@pytest.mark.parametrize("tool", SENDING)
@pytest.mark.parametrize("mode", ERAS)
async def test_a_send_with_a_time_is_asked_about_now_and_goes_once_at_its_time(
    house: House, mode: str, tool: str
) -> None:
    person = Reader()
    wish = {**arguments_of(tool, "not yet"), "send_at": in_seconds(house, 120)}
    async with house.client(mode, person) as client:
        result = await client.call_tool(tool, wish)
        receipt = receipt_of(result)
        assert (receipt["status"], receipt["approval"], len(person.shown)) == ("scheduled", "A1", 1)
        assert datetime.fromisoformat(receipt["send_at"]) > house.clock.now()
        assert "is scheduled for" in text_of(result)
        assert receipt["send_at"] in text_of(result)
        house.clock.offset_s = 115
        await tend(house)
        assert house.posts() == []
        house.clock.offset_s = 121
        gone = receipt_of(await client.call_tool("status", {"id": receipt["id"], "wait": 25}))
        await tend(house)
    assert gone["status"] == "queued"
    assert house.texts() == [sent_by(tool, "not yet")]
    assert len(house.posts()) == 1


@pytest.mark.parametrize("mode", ERAS)
async def test_the_same_wish_with_the_same_time_is_the_same_and_with_another_time_another(
    house: House, mode: str
) -> None:
    first, second = in_seconds(house, 120), in_seconds(house, 240)
    async with house.client(mode, person := Reader()) as client:
        ids = [
            receipt_of(await client.call_tool("send-sms", {"to": TO, "body": "when?", "send_at": at}))["id"]
            for at in (first, first, second)
        ]
    assert ids[0] == ids[1] != ids[2]
    assert len(person.shown) == 2


@pytest.mark.parametrize("mode", ERAS)
async def test_a_scheduled_one_is_cancelled_and_its_time_brings_nothing(house: House, mode: str) -> None:
    async with house.client(mode, Reader()) as client:
        wish = {"to": TO, "body": "not after all", "send_at": in_seconds(house, 120)}
        scheduled = receipt_of(await client.call_tool("send-sms", wish))
        cancelled = await client.call_tool("cancel", {"id": scheduled["id"]})
        house.clock.offset_s = 121
        await tend(house)
        status = receipt_of(await client.call_tool("status", {"id": scheduled["id"]}))
    assert receipt_of(cancelled)["status"] == status["status"] == "cancelled"
    assert "nothing was sent" in text_of(cancelled)
    assert house.posts() == []


@pytest.mark.parametrize("mode", ERAS)
async def test_a_time_that_was_missed_by_more_than_the_grace_is_told_and_not_sent(house: House, mode: str) -> None:
    async with house.client(mode, Reader()) as client:
        wish = {"to": TO, "body": "too late", "send_at": in_seconds(house, 120)}
        scheduled = receipt_of(await client.call_tool("send-sms", wish))
    house.clock.offset_s = 121 + GRACE_S
    async with house.client(mode) as client:
        result = await client.call_tool("status", {"id": scheduled["id"]})
        (item,) = receipt_of(await client.call_tool("history", {}))["items"]
    receipt = receipt_of(result)
    assert (receipt["status"], receipt["reason"]) == (item["status"], item["reason"]) == ("expired", "missed_time")
    assert "Its time passed" in text_of(result)
    assert house.posts() == []


async def test_what_was_scheduled_by_a_server_that_has_ended_goes_by_the_next_one(house: House) -> None:
    async with house.client(answer=Reader()) as client:
        wish = {"to": TO, "body": "after a restart", "send_at": in_seconds(house, 120)}
        scheduled = receipt_of(await client.call_tool("send-sms", wish))
    house.clock.offset_s = 121
    async with house.client() as client:
        gone = receipt_of(await client.call_tool("status", {"id": scheduled["id"], "wait": 25}))
    assert gone["status"] == "queued"
    assert house.texts() == ["after a restart"]


async def test_a_time_that_was_edited_in_the_ledger_is_not_what_the_person_approved(house: House) -> None:
    async with house.client(answer=Reader()) as client:
        wish = {"to": TO, "body": "at its time", "send_at": in_seconds(house, 3600)}
        scheduled = receipt_of(await client.call_tool("send-sms", wish))
        with closing(sqlite3.connect(house.home / "ledger.db", isolation_level=None)) as ledger:
            ledger.execute("UPDATE outbound SET send_at = send_at - 3599 WHERE id = ?", (scheduled["id"],))
        house.clock.offset_s = 5
        await tend(house)
        told = receipt_of(await client.call_tool("status", {"id": scheduled["id"]}))
    assert (told["status"], told["reason"]) == ("refused", "approval_mismatch")
    assert house.posts() == []


@pytest.mark.parametrize("case", NO_MOMENTS)
async def test_what_is_not_one_moment_to_come_is_refused_and_nobody_is_asked(house: House, case: str) -> None:
    person = Reader()
    async with house.client(answer=person) as client:
        for tool in SENDING:
            result = await client.call_tool(tool, {**arguments_of(tool, "x"), "send_at": NO_MOMENTS[case]})
            assert result.is_error
            assert text_of(result).startswith("[invalid_request] ")
            assert len(case) < 6 or NO_MOMENTS[case] not in text_of(result).partition(" Next: ")[0]
    assert (person.shown, house.posts()) == ([], [])


@pytest.mark.parametrize("era", BOTH_ERAS)
async def test_the_form_shows_the_time_whole_and_where_it_is_not_scheduled_says_at_once(
    house: House, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = (house.clock.now() + timedelta(days=2)).replace(hour=8, minute=30, second=0, microsecond=0)
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        wish = {"to": "+4930901820", "body": "x", "send_at": at.isoformat()}
        later = (await shown(house, era, {"form": {}}, wish)).splitlines()
        now = (await shown(house, era, {"form": {}}, {"to": TO, "body": "x"})).splitlines()
    finally:
        monkeypatch.undo()
        time.tzset()
    berlin = tell_moment(at.timestamp(), "Europe/Berlin").partition(" (")[0]
    assert f"When: {tell_moment(at.timestamp())}, not at once. Until then you can cancel it." in later
    assert f"  by this machine's clock: {at:%a} {at.day} {at:%b %Y}, 14:00 (UTC+05:30)" in later
    assert f"  likely where the recipient is: {berlin}" in later
    assert later[-1].startswith("Schedule it? ")
    assert "When: at once, after your yes" in now
    assert now[-1].startswith("Send it? ")


@pytest.mark.parametrize(
    ("to", "where"),
    [
        (TO, "Fri 22 Jan 2027, 03:00 America/New_York"),
        ("+447400123456", "Fri 22 Jan 2027, 08:00 local time"),
        (
            "+18005550199",
            "between Thu 21 Jan 2027, 21:00 Pacific/Pago_Pago and Fri 22 Jan 2027, 18:00 Pacific/Guam",
        ),
        ("+15550100001", None),
    ],
)
async def test_the_recipients_clock_is_told_as_far_as_the_number_tells_it(
    house: House, to: str, where: str | None
) -> None:
    house.clock.offset_s = datetime(2027, 1, 20, 12, tzinfo=UTC).timestamp() - time.time()
    wish = {"to": to, "body": "x", "send_at": "2027-01-22T08:00:00Z"}
    lines = (await shown(house, MODERN, {"form": {}}, wish)).splitlines()
    told = [line.partition(": ")[2] for line in lines if line.startswith("  likely where the recipient is")]
    assert told == ([] if where is None else [where])


@pytest.mark.parametrize("era", BOTH_ERAS)
async def test_a_client_that_opens_the_page_says_when_it_is_to_go_out(house: House, era: str) -> None:
    at = house.clock.now() + timedelta(days=2)
    scheduled = {"to": TO, "body": "x", "send_at": at.isoformat()}
    later = await shown(house, era, {"url": {}}, scheduled)
    now = await shown(house, era, {"url": {}}, {"to": TO, "body": "x"})
    assert f"It is to go out on {tell_moment(at.timestamp())}." in later
    assert "It goes out at once after your yes." in now


async def test_one_that_waits_elsewhere_says_that_it_goes_at_its_time(house: House) -> None:
    async with house.client() as client:
        wish = {"to": TO, "body": "x", "send_at": in_seconds(house, 120)}
        waiting = receipt_of(await client.call_tool("send-sms", wish))
    assert waiting["status"] == "awaiting_approval"
    assert "It goes by itself at its time." in waiting["next"]


async def test_a_framework_without_mcp_schedules_and_cancels_with_the_same_arguments(house: House) -> None:
    async with house.opened() as opened:
        native = {tool.name: tool for tool in native_tools(opened.telephone)}
        waiting = await native["voice-call"].call({"to": TO, "prompt": "x", "send_at": in_seconds(house, 120)})
        refused = await native["voice-call"].call({"to": TO, "prompt": "x", "send_at": "soon"})
        cancelled = await native["cancel"].call({"id": waiting["id"]})
    assert (waiting["status"], cancelled["status"]) == ("awaiting_approval", "cancelled")
    assert "send_at" in waiting
    assert refused["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("mode", ERAS)
async def test_over_stdio_a_text_scheduled_three_seconds_ahead_arrives_then_and_not_before(
    house: House, mode: str
) -> None:
    async with house.stdio(mode, Reader()) as client:
        await client.call_tool("check-telephony", {})
        at = datetime.now(UTC) + timedelta(seconds=3)
        wish = {"to": TO, "body": "in a moment", "send_at": at.isoformat()}
        scheduled = receipt_of(await client.call_tool("send-sms", wish))
        gone = receipt_of(await client.call_tool("status", {"id": scheduled["id"], "wait": 25}))
        left = datetime.fromisoformat(gone["updated_at"])
    assert gone["status"] == "queued"
    assert house.texts() == ["in a moment"]
    assert left >= at.replace(microsecond=at.microsecond // 1000 * 1000)
