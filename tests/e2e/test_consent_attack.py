"""More than a thousand attempts to send what nobody approved: none gets through, and no check is there for nothing.

The attempts are made in `tests/tools/attacks_*.py`. The sandbox is the judge: what counts is every request that
reached its sending calls, accepted or not.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tests.tools import attacks_client, attacks_ledger, attacks_machine, support
from tests.tools.field import Field

from ringback import approvals, guards
from ringback.approvals import Approvals
from ringback.guards.destination import destination
from ringback.guards.enabled import enabled
from ringback.ledger import allowances, database
from ringback.ledger.records import Level
from ringback.model.status import Status
from ringback_server import mcp_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tools.support import House

carrier = support.carrier
house = support.house

Patch = pytest.MonkeyPatch
ATTACKS = (*attacks_client.ATTACKS, *attacks_machine.ATTACKS, *attacks_ledger.ATTACKS)


async def test_of_more_than_a_thousand_attempts_none_sends_what_was_not_approved(
    house: House, monkeypatch: Patch
) -> None:
    field = Field(house, monkeypatch)
    for attack in ATTACKS:
        await attack(field)
    assert field.breaches() == []
    assert field.lost() == []
    assert sum(field.approved.values()) == len(house.posts()) == 30
    assert field.attempts >= 1_000


def without_sql(name: str, *pieces: str) -> Callable[[Patch], None]:
    """Take conditions out of a named statement of the ledger."""

    def take_out(patch: Patch) -> None:
        statement = database._queries()[name]
        for piece in pieces:
            assert piece in statement
            statement = statement.replace(piece, "")
        patch.setitem(database._queries(), name, statement)

    return take_out


def without_guard(guard: guards.Guard) -> Callable[[Patch], None]:
    """Take one guard out of the pipeline."""
    assert guard in guards.GUARDS
    return lambda patch: patch.setattr(guards, "GUARDS", tuple(each for each in guards.GUARDS if each is not guard))


def without_digits(patch: Patch) -> None:
    patch.setattr(approvals, "_effective", lambda answer, record: answer.choice)


def without_digest(patch: Patch) -> None:
    """The comparison in `verify` alone; the digits are compared elsewhere."""
    real = approvals.hmac.compare_digest
    lenient = SimpleNamespace(compare_digest=lambda a, b: len(a) == len(b) == 32 or real(a, b))
    patch.setattr(approvals, "hmac", lenient)


def without_verification(patch: Patch) -> None:
    async def verify(self: Approvals, record: Any) -> None:
        pass

    patch.setattr(Approvals, "verify", verify)


def without_proof(patch: Patch) -> None:
    patch.setattr(allowances, "is_proven", lambda store, row: True)


def without_level(patch: Patch) -> None:
    patch.setattr(Approvals, "_check_way", lambda self, answer: None)
    without_level_at_dispatch(patch)


def without_level_at_dispatch(patch: Patch) -> None:
    real = Approvals.verify

    async def verify(self: Approvals, record: Any) -> None:
        await real(SimpleNamespace(**{**vars(self), "least": Level.A0}, **methods(self)), record)

    patch.setattr(Approvals, "verify", verify)


def without_challenge(patch: Patch) -> None:
    patch.setattr(Approvals, "_check_challenge", lambda self, answer, record: None)


def without_expiry(patch: Patch) -> None:
    for name in ("answer", "claim"):
        without_sql(name, " AND expires_at >= :now")(patch)
    patch.setitem(database._queries(), "any_to_expire", "SELECT 1 WHERE 0 AND :now")


def without_the_look(patch: Patch) -> None:
    """The look at the status that comes before the statement and spares it."""
    real = Approvals.answer

    async def answer(self: Approvals, outbound_id: str, given: approvals.Answer) -> Any:
        ledger = self._ledger

        async def get(wanted: str) -> Any:
            return replace(await ledger.outbounds.get(wanted), status=Status.AWAITING_APPROVAL)

        blind = SimpleNamespace(outbounds=SimpleNamespace(get=get), consents=ledger.consents)
        patched = SimpleNamespace(**{**vars(self), "_ledger": blind}, **methods(self))
        return await real(patched, outbound_id, given)

    patch.setattr(Approvals, "answer", answer)


def methods(approvals_: Approvals) -> dict[str, Any]:
    """The private checks of one object, bound to it."""
    names = [name for name in dir(Approvals) if name.startswith(("_check", "_challenge", "_digest"))]
    return {name: getattr(approvals_, name) for name in names}


def without_single_use(patch: Patch) -> None:
    without_the_look(patch)
    without_sql("answer", " AND status = 'awaiting_approval'")(patch)


def without_sealed_state(patch: Patch) -> None:
    async def unsealed(context: Any, call_next: Any) -> Any:
        return await call_next(context)

    patch.setattr(mcp_app, "RequestStateBoundary", lambda security, default_audience: unsealed)


CHECKS: dict[str, tuple[Callable[[Patch], None], Callable[[Field], Any]]] = {
    "the digits": (without_digits, attacks_client.forged_forms),
    "the seal of the state": (without_sealed_state, attacks_client.crossed_states),
    "the nonce": (without_sql("answer", " AND (:nonce IS NULL OR nonce = :nonce)"), attacks_client.older_questions),
    "the digest": (without_digest, attacks_ledger.edited_ledger),
    "the look at the answer": (without_verification, attacks_ledger.hand_made_answers),
    "the seal of the answer": (without_digest, attacks_machine.too_low_a_level),
    "the proof of an allowance": (without_proof, attacks_ledger.edited_allowances),
    "the level": (without_level, attacks_machine.too_low_a_level),
    "the level at dispatch": (without_level_at_dispatch, attacks_machine.too_low_a_level),
    "the signed challenge": (without_challenge, attacks_machine.foreign_signatures),
    "the expiry": (without_expiry, attacks_machine.late_answers),
    "the single use": (without_single_use, attacks_machine.both_answers),
    "the fence": (without_sql("claim", "status = 'approved' AND "), attacks_machine.races),
    "the destination guard": (without_guard(destination), attacks_machine.forbidden_destinations),
    "the enabled guard": (without_guard(enabled), attacks_machine.telephony_off),
}


@pytest.mark.parametrize("check", CHECKS)
async def test_with_this_check_taken_out_the_suite_finds_a_send(house: House, monkeypatch: Patch, check: str) -> None:
    take_out, attack = CHECKS[check]
    take_out(monkeypatch)
    field = Field(house, monkeypatch)
    await attack(field)
    assert field.breaches()


async def test_the_condition_in_the_statement_alone_is_enough_for_a_single_use(
    house: House, monkeypatch: Patch
) -> None:
    without_the_look(monkeypatch)
    field = Field(house, monkeypatch)
    for attack in (attacks_machine.both_answers, attacks_machine.races, attacks_client.replayed_states):
        await attack(field)
    assert field.breaches() == field.lost() == []
