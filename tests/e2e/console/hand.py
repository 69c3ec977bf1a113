"""A person's hand at a real browser with an authenticator in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from playwright.sync_api import expect
from tests.e2e.console.conftest import PASSPHRASE

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page
    from tests.e2e.console.conftest import Console, Installation

SHOWN = "+1 202-555-0123"


@dataclass
class Hand:
    """A person's hand at a browser with an authenticator in it."""

    installation: Installation
    console: Console
    page: Page
    devtools: CDPSession
    device: str

    @property
    def url(self) -> str:
        return f"http://localhost:{self.console.port}"

    def sign_in(self, url: str = "") -> None:
        self.page.goto(url or self.url)
        self.page.get_by_label("Passphrase").fill(PASSPHRASE)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def add(self, label: str = "My laptop") -> None:
        self.page.goto(f"{self.url}/passkeys")
        self.page.get_by_label("A name for it").fill(label)
        self.page.get_by_label("The passphrase again").last.fill(PASSPHRASE)
        self.page.get_by_role("button", name="Add a passkey").click()
        expect(self.page.get_by_text("The passkey is added.")).to_be_visible()

    def press(self, words: str, to: str = SHOWN) -> None:
        self.page.get_by_role("button", name=re.compile(rf"^{words}.*{re.escape(to)}$")).click()

    def verify(self, *, succeeds: bool) -> None:
        """Whether the device finds that it is its owner who touches it."""
        self.devtools.send("WebAuthn.setUserVerified", {"authenticatorId": self.device, "isUserVerified": succeeds})

    def credential(self) -> dict[str, Any]:
        (found,) = self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.device})["credentials"]
        return dict(found)

    def set_counter(self, value: int) -> None:
        found = {**self.credential(), "signCount": value}
        self.devtools.send("WebAuthn.clearCredentials", {"authenticatorId": self.device})
        self.devtools.send("WebAuthn.addCredential", {"authenticatorId": self.device, "credential": found})

    def caught(self, words: str = "Approve with a passkey") -> dict[str, str]:
        """The form that the page posts once the passkey signed, kept from the console."""
        kept: list[str] = []

        def keep(route: Any) -> None:
            kept.append(route.request.post_data)
            route.abort()

        self.page.route("**/answer", keep)
        with self.page.expect_event("requestfailed", lambda request: request.url.endswith("/answer")):
            self.press(words)
        self.page.unroute("**/answer")
        return dict(parse_qsl(kept[0], keep_blank_values=True))

    def post(self, fields: dict[str, str]) -> int:
        """Post a form to `/answer` as the page itself would; the status of the last answer."""
        self.page.goto(f"{self.url}/line")
        status: int = self.page.evaluate(POST, fields)
        return status

    def shown(self, outbound_id: str) -> dict[str, str]:
        self.page.goto(f"{self.url}/outbounds/{outbound_id}")
        names = ("csrf", "id", "shown")
        return {name: self.page.locator(f"main [name={name}]").get_attribute("value") or "" for name in names}


POST = """async (fields) =>
    (await fetch("/answer", { method: "POST", body: new URLSearchParams(fields) })).status"""
ASK = """async (fields) =>
    (await fetch("/answer/challenge", { method: "POST", body: new URLSearchParams(fields) })).json()"""
SIGN = """async ({ challenge, credential }) => {
    const plain = (text) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = (text) => Uint8Array.from(plain(text), (char) => char.charCodeAt(0));
    const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
        .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    const publicKey = {
        challenge: bytes(challenge), rpId: "localhost", userVerification: "required",
        allowCredentials: [{ type: "public-key", id: bytes(credential) }],
    };
    const { id, rawId, response } = await navigator.credentials.get({ publicKey });
    return JSON.stringify({ id, rawId: text(rawId), type: "public-key", response: {
        clientDataJSON: text(response.clientDataJSON),
        authenticatorData: text(response.authenticatorData),
        signature: text(response.signature),
    } });
}"""
CARELESS = """const get = navigator.credentials.get.bind(navigator.credentials);
navigator.credentials.get = ({ publicKey }) => get({ publicKey: { ...publicKey, userVerification: "discouraged" } });"""


def take(installation: Installation, console: Console, page: Page) -> Hand:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    return Hand(installation, console, page, devtools, plug_in(devtools, "internal"))


def plug_in(devtools: CDPSession, transport: str) -> str:
    options = {
        "protocol": "ctap2",
        "transport": transport,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device: str = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    return device
