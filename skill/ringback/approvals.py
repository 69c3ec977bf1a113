"""Consent: what a person is shown, what counts as their yes, and whether a yes covers what is about to go out.

Everything shown is read from the stored outbound, never from the model's words. An answer belongs to one
digest over recipient, channel, carrier, text, media and time: docs/decisions/0006.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from ringback.errors import NotFound, Refused
from ringback.ledger.consents import Grant
from ringback.ledger.records import Choice, Consent, Level, Record
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.model.text import Segments, count_segments, visible
from ringback.model.zones import zones_of
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from ringback.carriers.routes import Carriers
    from ringback.keys import Keyring
    from ringback.ledger import Ledger
    from ringback.model.numbers import PhoneNumber
    from ringback.model.outbound import Outbound

LEAST: Final = {ApprovalFloor.CLIENT: Level.A1, ApprovalFloor.PAGE: Level.A2, ApprovalFloor.PASSKEY: Level.A3}
"""The level that each setting of `RINGBACK_APPROVAL` asks for."""
DAY_S: Final = 86_400.0
DAY_COUNT: Final = 20
"""Trusting a number for a day covers so many outbounds of the same channel."""
PLAIN_CHARS: Final = {Channel.SMS: 480, Channel.MMS: 480, Channel.VOICE: 1200}
"""An allowance covers texts up to so many characters, unless the person says more. Longer ones are asked about."""
DEMO_CLIENT: Final = "ringback-demo"
"""The client that answers for the person in the demo. It counts on the sandbox alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """One stored outbound, whole, as a person must see it before they answer. Never for the model."""

    id: str
    channel: Channel
    carrier: str
    live: bool
    number: str = field(repr=False)
    """Whole, formatted to be read."""
    region: str | None
    country: str
    line_type: str
    """What kind of telephone the number belongs to, as far as its country's plan tells."""
    text: str = field(repr=False)
    """Exactly what goes out, with invisible characters written out."""
    segments: Segments | None
    cost: str
    """What it may cost, in words; no price is known here."""
    media_url: str | None = field(repr=False)
    media_host: str | None
    asked_by: str
    """Which program asks, by its own name for itself."""
    asked_at: float
    expires_at: float
    send_at: float | None
    """When it will go out, in Unix seconds; `None` for at once after a yes."""
    zones: tuple[str, ...] = ()
    """Of a scheduled one: the time zones that the number's telephone can be in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person answered, and how they were asked.

    `digits` are the last digits of the number as typed; the page may leave them out, no other way may. An answer of
    level A3 names the `challenge` that a passkey signed, and the nonce in it.
    """

    choice: Choice
    level: Level
    via: str
    digits: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    challenge: bytes | None = field(default=None, repr=False)


class Approvals:
    """Asks for consent, stores it once, and checks it before anything leaves."""

    def __init__(self, ledger: Ledger, keyring: Keyring, *, floor: ApprovalFloor, carriers: Carriers) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._carriers = carriers
        self.least = LEAST[floor]
        """The least level that counts in this installation."""

    def question(self, record: Record) -> Question:
        """What a person must be shown of a stored outbound."""
        outbound = record.outbound
        region = outbound.to.region
        live = self._is_live(record)
        segments = None if outbound.channel is Channel.VOICE else count_segments(outbound.text)
        return Question(
            id=record.id,
            channel=outbound.channel,
            carrier=outbound.carrier,
            live=live,
            number=outbound.to.formatted,
            region=region,
            country=country_name(outbound.to),
            line_type=outbound.to.line_type,
            text=visible(outbound.text),
            segments=segments,
            cost=_cost(outbound.channel, segments, live=live),
            media_url=outbound.media_url,
            media_host=outbound.media_host,
            asked_by=record.asked_by,
            asked_at=record.created_at,
            expires_at=record.expires_at,
            send_at=record.send_at,
            zones=() if record.send_at is None else zones_of(outbound.to),
        )

    async def ask_client(self, outbound_id: str) -> str | None:
        """A nonce for a question that a client carries to the person; `None` where nothing waits."""
        nonce = secrets.token_urlsafe(24)
        asked = await self._ledger.consents.ask(outbound_id, nonce)
        return nonce if asked is not None else None

    async def challenge(self, outbound_id: str, choice: Choice, nonce: str) -> bytes:
        """What a passkey must sign for this answer: bound to all that will go out, to the choice and to the nonce.

        Raises:
            NotFound: there is no such outbound.
        """
        return self._challenge(await self._ledger.outbounds.get(outbound_id), choice, nonce)

    def _challenge(self, record: Record, choice: Choice, nonce: str) -> bytes:
        return self._keyring.passkey("approve", self._digest(record), choice.encode(), nonce.encode())

    async def answer(self, outbound_id: str, answer: Answer) -> Record:
        """Store an answer; the record as it stands afterwards. A late or second answer changes nothing.

        Raises:
            NotFound: there is no such outbound.
            Refused: the way of asking does not count here.
        """
        record = await self._ledger.outbounds.get(outbound_id)
        if record.status is not Status.AWAITING_APPROVAL:
            return record
        self._check_way(answer, record)
        self._check_challenge(answer, record)
        choice = _effective(answer, record)
        grant = None
        if choice is Choice.DAY:
            grant = day_grant(record.outbound)
        # A no counts whichever of several questions it answers; a yes only for the one that was asked last.
        nonce = None if choice is Choice.NO else answer.nonce
        stored = await self._ledger.consents.answer(
            record, choice, level=answer.level, via=answer.via, nonce=nonce, grant=grant
        )
        return stored or await self._ledger.outbounds.get(outbound_id)

    def _check_way(self, answer: Answer, record: Record) -> None:
        if answer.choice in {Choice.NO, Choice.DISMISSED}:
            return  # a no needs no proof
        if answer.level < self.least:
            raise Refused(
                "approval_level",
                f"Here an approval of level {self.least} is needed; this one is {answer.level}.",
                hint=self._where,
            )
        self._check_person(answer.via, record)

    def _check_challenge(self, answer: Answer, record: Record) -> None:
        """A yes of level A3 is to what the passkey signed, and to nothing that took its place since."""
        if answer.level is not Level.A3 or answer.choice in {Choice.NO, Choice.DISMISSED}:
            return
        expected = b"" if answer.nonce is None else self._challenge(record, answer.choice, answer.nonce)
        if not (expected and hmac.compare_digest(answer.challenge or b"", expected)):
            raise Refused("approval_mismatch", "The passkey signed something else.", hint="Look at it again, and sign.")

    @property
    def _where(self) -> str:
        """Where an approval that counts is given."""
        if self.least is Level.A3:
            return "The person approves it with a passkey, on the console page: ringback console"
        return "The person approves it on the console page or with: ringback approve"

    def _is_live(self, record: Record) -> bool:
        """Whether a real phone may ring; of a carrier that is not in use now, the worse is assumed."""
        carrier = self._carriers.get(record.carrier)
        return carrier is None or carrier.live

    def _check_person(self, via: str, record: Record) -> None:
        if self._is_live(record) and via == f"client:{DEMO_CLIENT}":
            raise Refused(
                "demo_person",
                "The demo's automatic person does not count on a carrier that reaches real phones.",
                hint="Ask a real person.",
            )

    async def verify(self, record: Record) -> None:
        """Check that a person's yes covers exactly this outbound, at the level that counts here.

        Raises:
            Refused: nobody said yes, or to something else, or not surely enough.
        """
        consent = await self._ledger.consents.consent(record.id)
        if consent is None:
            raise Refused("approval_missing", "Nobody approved this outbound.", hint="Ask the person.")
        expected = self._keyring.consent(
            self._digest(record), choice=consent.choice, level=consent.level, via=consent.via
        )
        if not hmac.compare_digest(consent.digest, expected):
            raise Refused(
                "approval_mismatch",
                "What would go out is not what the person approved.",
                hint="Tell the person that the stored entry was changed; run: ringback doctor",
            )
        self._check_person(consent.via, record)
        if consent.choice is Choice.ALLOWANCE:
            await self._check_allowance(consent, record.outbound)
        elif consent.level < self.least:
            raise Refused(
                "approval_level",
                f"Here an approval of level {self.least} is needed; this one is {consent.level}.",
                hint=self._where,
            )

    def _digest(self, record: Record) -> bytes:
        return self._keyring.digest(record.outbound, row=record.id, expires_at=record.expires_at)

    async def _check_allowance(self, consent: Consent, outbound: Outbound) -> None:
        """What was scheduled under an allowance or a trigger goes out under it, or not at all."""
        kind, _, row_id = consent.via.partition(":")
        if kind == "trigger":
            refusal = await self._ledger.triggers.objection(row_id, outbound, self.least)
            if refusal is not None:
                raise refusal
            return
        if not await self._ledger.consents.still_allows(consent.via.removeprefix("allowance:"), self.least):
            raise Refused(
                "allowance_revoked",
                "The person took back the allowance that this was stored under.",
                hint="Ask the person whether it is still wanted.",
            )


def _effective(answer: Answer, record: Record) -> Choice:
    """A yes with the wrong digits, or without digits where they are asked for, is no yes."""
    if answer.choice not in {Choice.ONCE, Choice.DAY, Choice.NO, Choice.DISMISSED}:
        raise NotFound("There is no such answer.", hint="Answer once, day or no.")
    if answer.choice in {Choice.NO, Choice.DISMISSED}:
        return answer.choice
    if answer.digits is None and answer.via == "page":
        return answer.choice
    typed = (answer.digits or "").strip().encode()
    return answer.choice if hmac.compare_digest(typed, record.outbound.to.last_digits.encode()) else Choice.WRONG_DIGITS


def day_grant(outbound: Outbound) -> Grant:
    """What "trust this number for a day" covers: short plain content without links, media from the same host."""
    return Grant(
        channel=outbound.channel,
        carrier=outbound.carrier,
        seconds=DAY_S,
        count=DAY_COUNT,
        max_chars=PLAIN_CHARS[outbound.channel],
        links=False,
        media_host=outbound.media_host,
    )


def _cost(channel: Channel, segments: Segments | None, *, live: bool) -> str:
    """What it may cost, as far as that is known: not the price, but what a carrier counts."""
    if not live:
        return "nothing"
    if segments is None:
        return "by your carrier's plan, as a rule for each minute; the price is not known here"
    counted = "one message with media" if channel is Channel.MMS else f"{segments.count} segments"
    return f"by your carrier's plan, as a rule for {counted.replace('1 segments', '1 segment')}; not known here"


def country_name(number: PhoneNumber) -> str:
    """The English name of a number's country, from the table that the time-zone data ships.

    A number that is in no country's plan gets the country that its calling code stands for first.
    """
    import phonenumbers

    region = number.region
    if region is not None:
        return _country_names().get(region, region)
    main = phonenumbers.region_code_for_country_code(number.country_code)
    return f"not in use by any plan; +{number.country_code} is {_country_names().get(main, 'no country')}"


@cache
def _country_names() -> dict[str, str]:
    lines = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8").splitlines()
    return {code: name for code, _, name in (line.partition("\t") for line in lines if line[:1] != "#")}
