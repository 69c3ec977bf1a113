"""Consent: what a person is shown, what counts as their yes, and whether a yes covers what is about to go out.

Everything shown is read from the stored outbound, never from the model's words. An answer belongs to one
digest over recipient, channel, carrier, text, media and time: docs/decisions/0006.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ringback.errors import NotFound, Refused
from ringback.ledger.consents import Grant
from ringback.ledger.records import Choice, Consent, Level, Record
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.questions import Question, question
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringback.carriers.routes import Carriers
    from ringback.keys import Keyring
    from ringback.ledger import Ledger
    from ringback.model.outbound import Outbound
    from ringback.rules import Rules

LEAST: Final = {ApprovalFloor.CLIENT: Level.A1, ApprovalFloor.PAGE: Level.A2, ApprovalFloor.PASSKEY: Level.A3}
"""The level that each setting of `RINGBACK_APPROVAL` asks for."""
DAY_S: Final = 86_400.0
DAY_COUNT: Final = 20
"""Trusting a number for a day covers so many outbounds of the same channel."""
PLAIN_CHARS: Final = {Channel.SMS: 480, Channel.MMS: 480, Channel.VOICE: 1200}
"""An allowance covers texts up to so many characters, unless the person says more. Longer ones are asked about."""
LONGEST_LIST: Final = 500
"""So many are shown and approved as one list at most; what is beyond them makes another one."""
LISTED: Final = ":list"
"""Ends what an answer came by, where it was given to a whole list."""
DEMO_CLIENT: Final = "ringback-demo"
"""The client that answers for the person in the demo. It counts on the sandbox alone."""


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

    def __init__(
        self, ledger: Ledger, keyring: Keyring, *, floor: ApprovalFloor, carriers: Carriers, rules: Rules
    ) -> None:
        self._rules = rules
        self._ledger = ledger
        self._keyring = keyring
        self._carriers = carriers
        self.least = LEAST[floor]
        """The least level that counts in this installation."""

    def question(self, record: Record) -> Question:
        """What a person must be shown of a stored outbound."""
        return question(record, live=self._is_live(record), cost=self._rules.estimate(record.outbound).words)

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
        return self._challenge([await self._ledger.outbounds.get(outbound_id)], choice, nonce)

    def _challenge(self, records: Sequence[Record], choice: Choice, nonce: str) -> bytes:
        return self._keyring.passkey("approve", *map(self._digest, records), choice.encode(), nonce.encode())

    async def answer(self, outbound_id: str, answer: Answer) -> Record:
        """Store an answer; the record as it stands afterwards. A late or second answer changes nothing.

        Raises:
            NotFound: there is no such outbound.
            Refused: the way of asking does not count here.
        """
        record = await self._ledger.outbounds.get(outbound_id)
        if record.status is not Status.AWAITING_APPROVAL:
            return record
        if record.bulk and answer.choice not in {Choice.NO, Choice.DISMISSED}:
            raise _whole_list()
        self._check_way(answer, record)
        self._check_challenge(answer, [record])
        choice = _effective(answer, record.outbound.to.last_digits)
        grant = None
        if choice is Choice.DAY:
            grant = day_grant(record.outbound)
        # A no counts whichever of several questions it answers; a yes only for the one that was asked last.
        nonce = None if choice is Choice.NO else answer.nonce
        stored = await self._ledger.consents.answer(
            record, choice, level=answer.level, via=answer.via, nonce=nonce, grant=grant
        )
        return stored or await self._ledger.outbounds.get(outbound_id)

    async def listed(self, outbound_id: str) -> list[Record]:
        """All that waits with the same words for one answer, oldest first; empty where this one is not of a list."""
        record = await self._ledger.outbounds.get(outbound_id)
        return await self._ledger.outbounds.same_words(outbound_id, LONGEST_LIST) if record.bulk else []

    async def challenge_list(self, ids: Sequence[str], choice: Choice, nonce: str) -> bytes:
        """What a passkey must sign for one answer to a whole list.

        Raises:
            NotFound: one of them is not there.
        """
        return self._challenge([await self._ledger.outbounds.get(each) for each in ids], choice, nonce)

    async def answer_list(self, ids: Sequence[str], answer: Answer) -> list[Record]:
        """Store one answer to all of a list that was shown whole; the records as they stand afterwards.

        A yes is for each of them and for no other: what came since waits for an answer of its own.

        Raises:
            NotFound: one of them is not there.
            Refused: they are not one list, or the way of asking does not count here. Nothing was stored.
        """
        records = [await self._ledger.outbounds.get(each) for each in dict.fromkeys(ids)]
        waiting = [record for record in records if record.status is Status.AWAITING_APPROVAL]
        whole = {record.id for record in await self.listed(waiting[0].id)} if waiting else set()
        if not all(record.id in whole for record in waiting):
            raise Refused("bulk_list", "These do not wait for one answer.", hint="Look at the list again.")
        choice = _effective(answer, str(len(records)))
        if choice is Choice.DAY:
            raise Refused("bulk_list", "A whole list is approved once.", hint="Answer once or no.")
        for record in waiting:
            self._check_way(answer, record)
        self._check_challenge(answer, records)
        for record in waiting:
            await self._ledger.consents.answer(record, choice, level=answer.level, via=f"{answer.via}{LISTED}")
        return [await self._ledger.outbounds.get(record.id) for record in records]

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

    def _check_challenge(self, answer: Answer, records: Sequence[Record]) -> None:
        """A yes of level A3 is to what the passkey signed, and to nothing that took its place since."""
        if answer.level is not Level.A3 or answer.choice in {Choice.NO, Choice.DISMISSED}:
            return
        expected = b"" if answer.nonce is None else self._challenge(records, answer.choice, answer.nonce)
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
        if record.bulk and not consent.via.endswith(LISTED):
            raise _whole_list()
        if consent.choice is Choice.ALLOWANCE:
            await self._check_allowance(consent, record)
        elif consent.level < self.least:
            raise Refused(
                "approval_level",
                f"Here an approval of level {self.least} is needed; this one is {consent.level}.",
                hint=self._where,
            )

    def _digest(self, record: Record) -> bytes:
        return self._keyring.digest(record.outbound, row=record.id, expires_at=record.expires_at)

    async def _check_allowance(self, consent: Consent, record: Record) -> None:
        """What was scheduled under an allowance or a trigger goes out under it, or not at all."""
        outbound = record.outbound
        kind, _, row_id = consent.via.partition(":")
        if kind == "trigger":
            refusal = await self._ledger.triggers.objection(row_id, outbound, self.least)
            if refusal is not None:
                raise refusal
            return
        if kind == "optout":
            if not await self._ledger.opt_outs.covers(row_id, record):
                raise Refused(
                    "opt_out_lifted", "The opt-out that it confirms was lifted.", hint="There is nothing to confirm."
                )
            return
        if not await self._ledger.consents.still_allows(consent.via.removeprefix("allowance:"), self.least):
            raise Refused(
                "allowance_revoked",
                "The person took back the allowance that this was stored under.",
                hint="Ask the person whether it is still wanted.",
            )


def _whole_list() -> Refused:
    return Refused(
        "bulk_list",
        "The same text is to go to several people, so a person must see the whole list and approve it as one.",
        hint="The person opens the console page, or runs: ringback approve",
    )


def _effective(answer: Answer, digits: str) -> Choice:
    """A yes with the wrong digits, or without digits where they are asked for, is no yes."""
    if answer.choice not in {Choice.ONCE, Choice.DAY, Choice.NO, Choice.DISMISSED}:
        raise NotFound("There is no such answer.", hint="Answer once, day or no.")
    if answer.choice in {Choice.NO, Choice.DISMISSED}:
        return answer.choice
    if answer.digits is None and answer.via == "page":
        return answer.choice
    typed = (answer.digits or "").strip().encode()
    return answer.choice if hmac.compare_digest(typed, digits.encode()) else Choice.WRONG_DIGITS


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
