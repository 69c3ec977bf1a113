"""The ways that a number and a text can take through an installation. Each path gets seeds of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.e2e.privacy.paths_in import broken, called_back, forgotten, locked, written_back
from tests.e2e.privacy.places import CHANNELS, Place, words

import ringback
from ringback import errors
from ringback.approvals import Answer
from ringback.carriers.http import carrier_words
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import CarrierItem, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from tests.e2e.privacy.needles import Seed


async def delivered(place: Place, seeds: list[Seed]) -> None:
    """A yes, an answer that repeats all, a report that does, and the same wish again."""
    for at, seed in enumerate(seeds):
        sent = await place.yes(seed, at, idempotency_key=f"key {seed.number} {seed.text}"[:200])
        report = Report(Status.DELIVERED, error=carrier_words(words(seed)), recording_url=f"https://x.example/{at}")
        place.carrier.reports[f"id-{at + 1}"] = report
        await place.attempt(place.ringback.telephone.status(sent.id))
        await place.wish(seed, at, idempotency_key=f"key {seed.number} {seed.text}"[:200])


async def followed(place: Place, seeds: list[Seed]) -> None:
    """Sent, and followed by polls alone to an end that is none."""
    for at, seed in enumerate(seeds):
        await place.yes(seed, at)
        place.carrier.reports[f"id-{at + 1}"] = Report(Status.UNDELIVERED, error=carrier_words(words(seed)))
    await place.tend(2)


async def allowed(place: Place, seeds: list[Seed]) -> None:
    """Allowed beforehand, sent without a question; the allowance listed and taken back."""
    person = place.ringback.person
    for at, seed in enumerate(seeds):
        given = {"level": Level.A2, "via": "terminal", "seconds": 999, "count": 3, "plain": False}
        allowance = await place.attempt(person.allow(seed.number, CHANNELS[at % 3], **given))
        await place.wish(seed, at)
        await place.attempt(person.revoke(allowance))
        await place.wish(seed, at, idempotency_key="another" + allowance)


ANSWERS = (
    Answer(Choice.NO, Level.A2, "page"),
    Answer(Choice.DISMISSED, Level.A1, "client:x"),
    Answer(Choice.ONCE, Level.A1, "client:x", digits="0000"),
    Answer(Choice.ONCE, Level.A0, "client:x"),
    Answer(Choice.DAY, Level.A2, "page"),
)


async def answered(place: Place, seeds: list[Seed]) -> None:
    """Declined, closed, with wrong digits, too weak, and trusted for a day."""
    for at, seed in enumerate(seeds):
        waiting = await place.wish(seed, at)
        await place.ringback.person.ask_client(waiting.id)
        await place.attempt(place.ringback.person.answer(waiting.id, ANSWERS[at % len(ANSWERS)]))
        await place.wish(seed, at)


async def cancelled(place: Place, seeds: list[Seed]) -> None:
    """Withdrawn before an answer, twice, and by another id."""
    for at, seed in enumerate(seeds):
        waiting = await place.wish(seed, at)
        for outbound_id in (waiting.id, waiting.id, seed.number, seed.text):
            await place.attempt(place.ringback.telephone.cancel(outbound_id))


async def expired(place: Place, seeds: list[Seed]) -> None:
    """Nobody answered."""
    waiting = [await place.wish(seed, at) for at, seed in enumerate(seeds)]
    await place.tend(601)
    for each in waiting:
        await place.attempt(place.ringback.telephone.status(each.id))


BAD_NUMBERS = ("{0}x9", "tel:{0}", "{0}, {0}", "({0})", "{0}9999999", "CALL {0}", "\u202a{0}\u202c", "{0};ext=9", "{1}")


async def unreadable(place: Place, seeds: list[Seed]) -> None:
    """Wishes that cannot be read, for one part of them or another."""
    telephone = place.ringback.telephone
    for at, seed in enumerate(seeds):
        number = BAD_NUMBERS[at % len(BAD_NUMBERS)].format(seed.number, seed.text)
        await place.attempt(telephone.send_sms(number, seed.text))
        body = (seed.text * 40, seed.text + "\ud800", " ")[at % 3]
        await place.attempt(telephone.send_sms(seed.number, body))
        url = (f"http{seed.media_url[5:]}", f"{seed.media_url} ", f"https://u:{seed.text}@x.example/")[at % 3]
        await place.attempt(telephone.send_mms(seed.number, seed.text, url))
        moment = (seed.number, seed.text, f"2026-01-01T00:00:00Z {seed.text}")[at % 3]
        await place.attempt(telephone.send_sms(seed.number, seed.text, send_at=moment))
        odd = (
            telephone.send_sms(seed.number, seed.text, idempotency_key=seed.text * 9),
            telephone.history(5, seed.number),
            telephone.status(seed.text),
        )
        for each in odd:
            await place.attempt(each)


async def ruled_out(place: Place, seeds: list[Seed]) -> None:
    """Refused by a rule: a premium number, a carrier that says no or nothing, a key used for something else."""
    for at, seed in enumerate(seeds):
        place.carrier.enabled, place.carrier.line_error = at % 4 != 1, None
        if at % 4 == 2:
            place.carrier.line_error = errors.CarrierUnavailable("?", detail=words(seed))
        place.clock.move(31)
        await place.attempt(place.ringback.telephone.send_sms(seed.number.replace("+1212", "+1900"), seed.text))
        await place.wish(seed, at, idempotency_key=f"shared {at // 4}")
        await place.attempt(place.ringback.telephone.check())


async def called_as_tools(place: Place, seeds: list[Seed]) -> None:
    """The tools of a framework, with arguments that are right and arguments that are not."""
    tools = {tool.name: tool for tool in ringback.tools(place.ringback.telephone)}
    for at, seed in enumerate(seeds):
        wrong: tuple[dict[str, Any], ...] = (
            {"to": seed.number},
            {"to": [seed.number], "body": seed.text},
            {"to": seed.number, "body": {"text": seed.text}},
            {"to": seed.number, "body": seed.text, seed.text: seed.number},
            {"to": seed.number, "body": seed.text},
        )
        told = await tools["send-sms"].call(wrong[at % len(wrong)])
        place.told.results.append(repr(told))
        for name in ("status", "history", "cancel", "voice-call", "send-mms"):
            place.told.results.append(repr(await tools[name].call({"id": seed.number, "cursor": seed.text})))


def failures(seed: Seed) -> tuple[Exception, ...]:
    """All that an adapter may raise, and what it must not."""
    detail = carrier_words(words(seed))
    told = (
        errors.CarrierAuthenticationFailed,
        errors.CarrierNotEnabled,
        errors.CarrierRejected,
        errors.CarrierUnavailable,
        errors.CarrierUnreadable,
    )
    late = errors.CarrierRateLimited("later", detail=detail, retry_after=99.0)
    return (
        *(kind("The carrier failed.", detail=detail) for kind in told),
        late,
        ValueError(words(seed)),
        KeyError(seed.number, seed.text),
        UnicodeEncodeError("ascii", words(seed), 0, 1, seed.text),
        ExceptionGroup(seed.text, [OSError(5, seed.text, seed.number)]),
    )


async def failed(place: Place, seeds: list[Seed]) -> None:
    """Every failure of a carrier and of its adapter; then status, the same wish again, and a server's work."""
    for at, seed in enumerate(seeds):
        causes = failures(seed)
        place.carrier.outcomes = [causes[at % len(causes)]]
        sent = await place.yes(seed, at)
        place.carrier.items = errors.CarrierUnavailable("?", detail=words(seed))
        await place.attempt(place.ringback.telephone.status(sent.id))
        await place.wish(seed, at)
    await place.tend(2)


async def doubtful(place: Place, seeds: list[Seed]) -> None:
    """In doubt: found at the carrier, settled by a person one way or the other, or left."""
    items = []
    for at, seed in enumerate(seeds):
        place.carrier.outcomes = [errors.CarrierUnavailable("?", detail=carrier_words(words(seed)))]
        sent = await place.yes(seed, at)
        if at % 4 == 0:
            created = place.clock.now().isoformat()
            items.append(CarrierItem(f"h-{at}", CHANNELS[at % 3], seed.number, Status.SENT, created, seed.text))
        elif at % 4 < 3:
            await place.attempt(place.ringback.person.resolve(sent.id, sent=at % 4 == 1))
    for first in range(0, len(items), 100):
        place.carrier.items = items[first : first + 100]
        await place.tend(2)


async def scheduled(place: Place, seeds: list[Seed]) -> None:
    """Scheduled, and then: cancelled, put back by the carrier, sent, in doubt by a defect, missed."""
    soon, later = ((place.clock.now() + timedelta(seconds=seconds)).isoformat() for seconds in (60, 200))
    for at, seed in enumerate(seeds):
        waiting = await place.yes(seed, at, send_at=later if at % 5 == 1 else soon)
        if at % 5 == 0:
            await place.attempt(place.ringback.telephone.cancel(waiting.id))
    await place.attempt(place.ringback.person.scheduled())
    late = errors.CarrierRateLimited("later", detail=carrier_words(words(seeds[0])), retry_after=1.0)
    place.carrier.outcomes = [late, late, *(ValueError(words(seed)) for seed in seeds[-20:])]
    await place.tend(61)
    await place.tend(2)
    place.carrier.line_error = errors.CarrierUnreachable("?", detail=words(seeds[0]))
    await place.tend(140)
    await place.tend(901)


NOTHING: Final[frozenset[str]] = frozenset()
PATHS: Final = {
    delivered: {"delivered"},
    followed: {"undelivered"},
    allowed: {"accepted", "awaiting_approval"},
    answered: {
        "accepted",
        "awaiting_approval",
        "cancelled digits_did_not_match",
        "cancelled question_dismissed",
        "declined person_declined",
    },
    cancelled: {"cancelled cancelled_on_request"},
    expired: {"expired approval_expired"},
    unreadable: NOTHING,
    ruled_out: {"awaiting_approval", "expired approval_expired"},
    called_as_tools: {"awaiting_approval"},
    failed: {
        "awaiting_approval",
        "failed carrier_authentication",
        "failed carrier_not_enabled",
        "failed carrier_rate_limited",
        "failed carrier_rejected",
        "unknown carrier",
        "unknown carrier_unavailable",
        "unknown carrier_unreadable",
    },
    doubtful: {
        "failed person_says_not_sent",
        "sent found_at_carrier",
        "sent person_says_sent",
        "unknown carrier_unavailable",
    },
    scheduled: {
        "accepted",
        "cancelled cancelled_on_request",
        "expired missed_time",
        "unknown carrier",
    },
    called_back: {"undelivered"},
    written_back: NOTHING,
    forgotten: {"accepted", "cancelled person_forgotten"},
    broken: {"accepted", "awaiting_approval"},
    locked: {"awaiting_approval"},
}
"""The paths, and how what was stored on each of them ends: a path that leads nowhere would prove nothing."""
