"""The console at the name to which passkeys belong, a device beside it, and what a device could say instead."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.e2e.console.authenticator import PRESENT, VERIFIED, Authenticator
from tests.e2e.console.conftest import PASSPHRASE, TO, hidden
from tests.e2e.console.desk import PORT, desk

from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx2
    from tests.e2e.console.desk import Desk

    from ringback.receipts import Receipt

HERE = f"http://localhost:{PORT}"
LABEL = "Anna's phone"


@dataclass
class Table:
    """A desk at the name to which passkeys belong, and a device beside it."""

    at: Desk
    device: Authenticator

    async def get(self, path: str = "/") -> str:
        return (await self.at._ask("GET", path, {"Host": HERE.removeprefix("http://")})).text

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        return await self.at._ask("POST", path, {"Host": HERE.removeprefix("http://"), "Origin": HERE}, fields)

    async def sign_in(self) -> None:
        form = await self.get("/sign-in")
        answer = await self.post("/sign-in", csrf=hidden(form, "csrf"), passphrase=PASSPHRASE)
        assert answer.status_code == 303

    async def csrf(self) -> str:
        return hidden(await self.get("/passkeys"), "csrf")

    async def ask(self, path: str, **fields: str) -> dict[str, Any]:
        answer = await self.post(path, csrf=await self.csrf(), **fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def add(self, device: Authenticator | None = None) -> None:
        made = await self.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        assert (await self.finish(made, device or self.device)).status_code == 303

    async def finish(self, made: dict[str, Any], device: Authenticator, **changes: str) -> httpx2.Response:
        fields = {"nonce": made["nonce"], "label": LABEL, "credential": device.make(made["options"]), **changes}
        return await self.post("/passkeys", csrf=await self.csrf(), **fields)

    async def want(self, text: str = "Surely?") -> Receipt:
        return await self.at.opened.telephone.send_sms(TO, text)

    async def shown(self, outbound_id: str) -> dict[str, str]:
        page = await self.get(f"/outbounds/{outbound_id}")
        return {name: hidden(page, name) for name in ("csrf", "id", "shown")}

    async def signed(self, outbound_id: str, choice: str = "once") -> dict[str, str]:
        """The form of a yes that the device signed."""
        fields = {**await self.shown(outbound_id), "choice": choice}
        asked = await self.post("/answer/challenge", **fields)
        assert asked.status_code == 200, asked.text
        return {**fields, "nonce": asked.json()["nonce"], "credential": self.device.sign(asked.json()["options"])}

    async def remove_by_passphrase(self) -> None:
        """Remove the only passkey."""
        (passkey,) = await self.at.opened.ledger.passkeys.present()
        fields = {"csrf": await self.csrf(), "id": passkey.id, "passphrase": PASSPHRASE}
        assert (await self.post("/passkeys/remove", **fields)).status_code == 303

    async def status(self, outbound_id: str) -> tuple[str, str | None]:
        receipt = await self.at.opened.telephone.status(outbound_id)
        return receipt.status, receipt.approval

    @property
    def sent(self) -> list[str]:
        return [outbound.text for outbound in self.at.carrier.sent]

    def tamper(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.at.opened.settings.ledger_path) as database:
            database.execute(statement, values)
        database.close()


@asynccontextmanager
async def table(
    home: Path, *, floor: ApprovalFloor = ApprovalFloor.PASSKEY, added: bool = True
) -> AsyncIterator[Table]:
    async with desk(home, floor=floor) as at:
        made = Table(at, Authenticator(HERE))
        await made.sign_in()
        if added:
            await made.add()
        yield made


def says(**changes: Any) -> Callable[[Authenticator], None]:
    def change(device: Authenticator) -> None:
        for name, value in changes.items():
            setattr(device, name, value)

    return change


def browser_says(**client: Any) -> Callable[[Authenticator], None]:
    return says(client=client)


LIES: list[tuple[str, Callable[[Authenticator], None]]] = [
    ("nobody was verified", says(flags=PRESENT)),
    ("nobody was there", says(flags=VERIFIED)),
    ("neither", says(flags=0)),
    ("another name", says(rp_id="127.0.0.1")),
    ("another site's name", says(rp_id="evil.example")),
    ("the console's address", says(origin=f"http://127.0.0.1:{PORT}")),
    ("another port", says(origin="http://localhost:3000")),
    ("no port", says(origin="http://localhost")),
    ("a secure page", says(origin=f"https://localhost:{PORT}")),
    ("a name below ours", says(origin=f"http://evil.localhost:{PORT}")),
    ("our origin as a beginning", says(origin=f"{HERE}.evil.example")),
    ("another site", says(origin="https://evil.example")),
    ("no origin", says(origin="")),
    ("a frame", browser_says(crossOrigin=True)),
    ("another challenge", browser_says(challenge="AAAA")),
    ("an empty challenge", browser_says(challenge="")),
    ("a challenge that is no text", browser_says(challenge=7)),
]
