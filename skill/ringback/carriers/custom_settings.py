"""What an operator says of a custom endpoint, checked when it is read, so that nothing can go wrong by it later."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import SplitResult, urlsplit

from ringback.carriers.addresses import Pin, is_allowed, plain_address
from ringback.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringback.settings import Settings

_URL, _HEADERS, _BODY = "RINGBACK_CUSTOM_URL", "RINGBACK_CUSTOM_HEADERS", "RINGBACK_CUSTOM_BODY"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS: Final = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"),
        *("expect", "proxy-authorization", "proxy-connection"),
    }
)
"""Headers that say where a request goes and where it ends."""
_PIECE: Final = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")
_LITERALS: Final = {"{{": "{", "}}": "}"}
_NEEDED: Final = frozenset({"to", "message"})


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON document with `{to}` and `{message}` inside its texts; `{{` and `}}` stand for braces."""

    template: Any = field(repr=False)

    def filled(self, *, to: str, message: str) -> Any:
        """The document for one text. Values are put in after parsing and looked at once, so none can break out."""
        return _filled(self.template, {"to": to, "message": message})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where texts go, and how. The path may hold a secret and is in no `repr`, like the headers."""

    origin: str
    path: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: Body
    pin: Pin = field(repr=False)


def read_endpoint(settings: Settings) -> Endpoint:
    """The endpoint that the settings describe.

    Raises:
        ConfigurationError: a setting is missing, cannot be read, or is not safe to use. Its value is not repeated.
    """
    if not settings.custom_url:
        raise ConfigurationError(
            f"A custom endpoint needs {_URL}.", hint="Set it to the https:// URL that takes texts."
        )
    parts = _url(settings.custom_url, private=settings.custom_private)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    given = settings.custom_headers.get_secret_value() if settings.custom_headers else "{}"
    pin = Pin(host, port, private=settings.custom_private, within_s=settings.connect_timeout_s)
    return Endpoint(f"{parts.scheme}://{parts.netloc}", path, _headers(given), _body(settings.custom_body), pin)


def _url(text: str, *, private: bool) -> SplitResult:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        _refuse(_URL, "cannot be read")
    if not text.isascii() or any(char <= " " or char in "\\{}\x7f" for char in text):
        _refuse(_URL, "has characters that it cannot have", "Write a name in its ASCII form; the URL takes no {…}.")
    if parts.scheme not in {"https", "http"} or not host or port == 0 or "@" in parts.netloc or parts.fragment:
        _refuse(_URL, "is not a plain https:// URL", "Give one without user, password and fragment.")
    if parts.scheme == "http" and not (private and host in {"127.0.0.1", "::1", "localhost"}):
        _refuse(
            _URL,
            "is not an https:// URL",
            "Plain http is taken for this machine only, and with RINGBACK_CUSTOM_PRIVATE=true.",
        )
    address = _address(host)
    if address is not None and not is_allowed(address, private=private):
        _refuse(_URL, "leads to this machine or into a private network", "Set RINGBACK_CUSTOM_PRIVATE=true if it may.")
    if address is not None and ":" not in host and address != host:
        _refuse(_URL, "has an address in an unusual spelling", f"Write it as {address}.")
    return parts


def _address(host: str) -> str | None:
    """The address that the host is, in any spelling; `None` for a name, which is judged when it is resolved."""
    try:
        return plain_address(host)
    except ValueError:
        _refuse(_URL, "has a host that is neither a name nor an address")


def _headers(text: str) -> Mapping[str, str]:
    given = _json(_HEADERS, text)
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        _refuse(_HEADERS, "is not a JSON object of texts", 'For example: {"Authorization": "Bearer …"}')
    if len({name.lower() for name in given}) != len(given):
        _refuse(_HEADERS, "has a header twice", "Give each one once.")
    for name, value in given.items():
        if not _TOKEN.fullmatch(name) or not (value.isascii() and value.isprintable()):
            _refuse(_HEADERS, "has a header that HTTP cannot carry", "Take out line breaks and unusual characters.")
        if name.lower() in _OURS:
            _refuse(_HEADERS, "has a header that the connection itself needs", f"Take out {name.title()}.")
    return given


def _body(text: str) -> Body:
    template = _json(_BODY, text)
    found: set[str] = set()
    if not isinstance(template, dict | list) or not _collect(template, found):
        _refuse(
            _BODY,
            "is not a JSON object or list whose texts hold {to} and {message}",
            "Those two are the only placeholders, and names hold none; write {{ and }} for braces.",
        )
    if found != _NEEDED:
        _refuse(_BODY, "lacks {to} or {message}", "Without both, what a person approved is not what is sent.")
    return Body(template)


def _json(setting: str, text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
        text.encode()
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        _refuse(setting, "is not valid JSON", "Check its quotes and commas, and that no name comes twice.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice")
    return dict(pairs)


def _collect(value: Any, found: set[str]) -> bool:
    """Whether every brace in the document is one that is understood; `found` gets the placeholders."""
    if isinstance(value, dict):
        return not any("{" in name or "}" in name for name in value) and all(
            _collect(item, found) for item in value.values()
        )
    if isinstance(value, list):
        return all(_collect(item, found) for item in value)
    if not isinstance(value, str):
        return True
    pieces = list(_PIECE.finditer(value))
    found |= {piece[1] for piece in pieces if piece[1] is not None}
    return all(piece[0] in _LITERALS or piece[1] in _NEEDED for piece in pieces)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if not isinstance(value, str):
        return value
    return _PIECE.sub(lambda piece: _LITERALS.get(piece[0]) or values[piece[1]], value)


def _refuse(setting: str, problem: str, hint: str = "Check it.") -> NoReturn:
    raise ConfigurationError(f"{setting} {problem}.", hint=hint)
