"""Passkeys on the console: registered, listed and removed, and asked for an approval of level A3."""

from __future__ import annotations

import json
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from ringback.approvals import Answer
from ringback.errors import Refused
from ringback.ledger.records import Level
from ringback_server.console import ceremonies
from ringback_server.console.gate import Access

if TYPE_CHECKING:
    from starlette.requests import Request

    from ringback.ledger.passkeys import Passkey
    from ringback.ledger.records import Choice
    from ringback_server.console.gate import Gate, Parts, Visit

MOST: Final = 16
MOST_CHARACTERS: Final = 40
PENDING_S: Final = 300.0
"""How long a ceremony may take before its challenge counts no more."""
_NONCE_BYTES: Final = 24
_MOST_PENDING: Final = 100
_NO_LIBRARY: Final = "Passkeys need one more package: pip install 'ringback[passkey]'. Then start the console again."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A challenge that one session was given, for one thing that it wants to do."""

    session: str
    use: str
    subject: str
    until: float


class Passkeys:
    """The passkeys of one console.

    Args:
        parts: what the pages stand on.
        gate: who may act.
        port: the console's own; it is a part of the only origin whose answers count.
    """

    def __init__(self, parts: Parts, gate: Gate, port: int) -> None:
        self._parts = parts
        self._gate = gate
        self._origin = ceremonies.origin(port)
        self._stored = parts.opened.ledger.passkeys
        self._keyring = parts.opened.keyring
        self._person = parts.opened.person
        self._pending: dict[str, _Pending] = {}

    async def view(self, request: Request) -> dict[str, Any]:
        """What a page must know: whether a passkey is needed, whether one can be used here, and where if not."""
        installed, count = ceremonies.is_installed(), len(await self._stored.present())
        here = self._is_here(request)
        return {
            "needed": self._person.least is Level.A3,
            "installed": installed,
            "count": count,
            "here": here,
            "there": f"{self._origin}{request.url.path}",
            "usable": installed and here and count > 0,
        }

    def _is_here(self, request: Request) -> bool:
        return f"http://{request.headers.get('host')}" == self._origin

    async def show(self, visit: Visit, problem: str = "", status: int = 200) -> Response:
        """The page: those that count, those that were removed, and a form to add one."""
        ever = await self._stored.ever()
        return self._gate.render(
            "passkeys.html",
            visit,
            status,
            present=[passkey for passkey in ever if passkey.removed_at is None],
            removed=[passkey for passkey in reversed(ever) if passkey.removed_at is not None],
            forged=await self._stored.forged(),
            passkey=await self.view(visit.request),
            guarded=self._gate.access(visit.session) is Access.SIGNED_IN,
            full=len([passkey for passkey in ever if passkey.removed_at is None]) >= MOST,
            problem=problem,
            most_characters=MOST_CHARACTERS,
        )

    async def ask_approval(self, visit: Visit, outbound_id: str, choice: Choice) -> Response:
        """A challenge over one stored outbound, for a passkey to sign."""
        known = await self._usable(visit)
        nonce = await self._person.ask_client(outbound_id)
        if nonce is None:
            raise HTTPException(409, "It waits no more. Nothing was done.")
        challenge = await self._person.challenge(outbound_id, choice, nonce)
        return _options(nonce, ceremonies.request_options(challenge, known=known))

    async def approval(self, visit: Visit, outbound_id: str, choice: Choice) -> Answer:
        """The answer that a passkey signed.

        Raises:
            Refused: none of ours did, or not this.
        """
        await self._usable(visit)
        nonce = visit.form.get("nonce", "")
        challenge = await self._person.challenge(outbound_id, choice, nonce)
        await self._check_signature(visit, challenge)
        return Answer(choice, Level.A3, "page", nonce=nonce, challenge=challenge)

    async def ask_list_approval(self, visit: Visit, ids: list[str], choice: Choice) -> Response:
        """A challenge over all of a list, for a passkey to sign."""
        known = await self._usable(visit)
        nonce = self._begin(visit, "list", _whole(ids, choice))
        challenge = await self._person.challenge_list(ids, choice, nonce)
        return _options(nonce, ceremonies.request_options(challenge, known=known))

    async def list_approval(self, visit: Visit, ids: list[str], choice: Choice) -> Answer:
        """The answer to a whole list that a passkey signed.

        Raises:
            Refused: none of ours did, or not this, or it was not asked for by this session.
        """
        await self._usable(visit)
        nonce = self._take(visit, "list", _whole(ids, choice))
        challenge = await self._person.challenge_list(ids, choice, nonce)
        await self._check_signature(visit, challenge)
        return Answer(choice, Level.A3, "page", nonce=nonce, challenge=challenge)

    async def ask(self, visit: Visit) -> Response:
        """A challenge by which somebody who has a passkey confirms that another one is added, or one removed."""
        use, subject = visit.form.get("use", ""), visit.form.get("id", "")
        if use not in {"add", "remove"}:
            raise HTTPException(400, "There is no such use of a passkey. Nothing was done.")
        known = await self._usable(visit)
        nonce = self._begin(visit, use, subject)
        return _options(nonce, ceremonies.request_options(self._challenge(use, subject, nonce), known=known))

    async def create(self, visit: Visit) -> Response:
        """The options for a new passkey, after the passphrase was typed again or a passkey signed."""
        label, known = _label(visit.form), await self._stored.present()
        self._check_place(visit)
        if self._gate.access(visit.session) is not Access.SIGNED_IN:
            raise HTTPException(403, "Set a passphrase first: ringback passphrase. Nothing was done.")
        if len(known) >= MOST:
            raise HTTPException(409, f"There are {MOST} passkeys. Remove one first.")
        await self._confirm(visit, "add", "")
        nonce = self._begin(visit, "create", label)
        challenge = self._challenge("create", label, nonce)
        options = ceremonies.creation_options(challenge, user=self._keyring.passkey("user"), known=known)
        return _options(nonce, options)

    async def add(self, visit: Visit) -> Response:
        """Store the new passkey that the browser made."""
        self._check_place(visit)
        label = _label(visit.form)
        challenge = self._challenge("create", label, self._take(visit, "create", label))
        made = ceremonies.check_creation(
            visit.form.get("credential", ""), challenge=challenge, expected_origin=self._origin
        )
        passkey = await self._stored.add(
            credential_id=made.credential_id, public_key=made.public_key, sign_count=made.sign_count, label=label
        )
        if passkey is None:
            raise HTTPException(409, "This passkey was registered before. Nothing was done.")
        _log.warning("passkey %s was added; %d count now", passkey.id, len(await self._stored.present()))
        visit.session.notes.append("The passkey is added.")
        return RedirectResponse("/passkeys", 303)

    async def remove(self, visit: Visit) -> Response:
        """End a passkey, after the passphrase was typed again or a passkey signed."""
        wanted = visit.form.get("id", "")
        if not any(passkey.id == wanted for passkey in await self._stored.present()):
            raise HTTPException(404, "There is no such passkey. Nothing was done.")
        await self._confirm(visit, "remove", wanted)
        # Read again: the one that signed may be the one that goes, and has a new counter now.
        passkey = next((passkey for passkey in await self._stored.present() if passkey.id == wanted), None)
        if passkey is None or not await self._stored.remove(passkey):
            raise HTTPException(409, "Somebody used or removed it just now. Look again.")
        _log.warning("passkey %s was removed; %d count now", passkey.id, len(await self._stored.present()))
        visit.session.notes.append("The passkey is removed.")
        return RedirectResponse("/passkeys", 303)

    async def _confirm(self, visit: Visit, use: str, subject: str) -> None:
        """Somebody who is merely signed in may not change who can approve: a page left open is no proof."""
        if "credential" in visit.form:
            await self._usable(visit)
            await self._check_signature(visit, self._challenge(use, subject, self._take(visit, use, subject)))
        elif await self._gate.check_passphrase(visit.form.get("passphrase", "")) is None:
            raise HTTPException(403, "That is not the passphrase. Nothing was done.")

    async def _check_signature(self, visit: Visit, challenge: bytes) -> None:
        credential = visit.form.get("credential", "")
        passkey = await self._stored.find(ceremonies.credential_of(credential))
        if passkey is None:
            raise Refused("passkey_refused", "This passkey is not registered here.", hint="Nothing was done.")
        counter = ceremonies.check_signature(credential, passkey, challenge=challenge, expected_origin=self._origin)
        if not await self._stored.use(passkey, counter):
            raise Refused("passkey_refused", "This passkey's counter did not grow.", hint="Nothing was done.")

    async def _usable(self, visit: Visit) -> list[Passkey]:
        """The passkeys that can sign here and now."""
        self._check_place(visit)
        known = await self._stored.present()
        if not known:
            raise HTTPException(409, "No passkey is registered. Nothing was done.")
        return known

    def _check_place(self, visit: Visit) -> None:
        if not ceremonies.is_installed():
            raise HTTPException(409, _NO_LIBRARY)
        if not self._is_here(visit.request):
            raise HTTPException(409, f"Passkeys work at {self._origin} alone. Nothing was done.")

    def _challenge(self, use: str, subject: str, nonce: str) -> bytes:
        return self._keyring.passkey(use, subject.encode(), nonce.encode())

    def _begin(self, visit: Visit, use: str, subject: str) -> str:
        """Remember a challenge for this session; of too many the oldest go."""
        nonce, now = secrets.token_urlsafe(_NONCE_BYTES), self._now()
        alive = [(key, pending) for key, pending in self._pending.items() if pending.until > now]
        self._pending = dict(alive[-_MOST_PENDING:])
        self._pending[nonce] = _Pending(visit.session.id, use, subject, now + PENDING_S)
        return nonce

    def _take(self, visit: Visit, use: str, subject: str) -> str:
        """The nonce of a challenge that this session was given for just this; it counts once.

        Raises:
            Refused: there is none, or its time is up.
        """
        nonce = visit.form.get("nonce", "")
        pending = self._pending.pop(nonce, None)
        wanted = (visit.session.id, use, subject)
        if pending is None or (pending.session, pending.use, pending.subject) != wanted or pending.until <= self._now():
            raise Refused("passkey_refused", "This was not asked for, or too long ago.", hint="Nothing was done.")
        return nonce

    def _now(self) -> float:
        return self._parts.opened.clock.now().timestamp()


def _label(form: dict[str, str]) -> str:
    label = form.get("label", "").strip()
    if not (label and len(label) <= MOST_CHARACTERS and label.isprintable()):
        raise HTTPException(400, f"Give it a name of 1 to {MOST_CHARACTERS} characters. Nothing was done.")
    return label


def _whole(ids: list[str], choice: Choice) -> str:
    """What a pending challenge over a list is for."""
    return " ".join((choice, *ids))


def _options(nonce: str, options: str) -> Response:
    return JSONResponse({"nonce": nonce, "options": json.loads(options)})
