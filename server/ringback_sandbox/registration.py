"""Where callbacks go: what may be registered, and what is told of it."""

import base64
import contextlib
import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from .delivery import is_here
from .http import MalformedError

CallbackMode = Literal["duplicate", "disorder", "early", "forged", "off"]
CALLBACK_MODES: tuple[str, ...] = get_args(CallbackMode)

_LONGEST_URL = 2_048
_PREFIX = "whsec_"
# What Standard Webhooks asks of a secret, in bytes.
_KEY_SIZES = range(24, 65)


@dataclass(frozen=True, slots=True)
class Registration:
    """Where callbacks go.

    Attributes:
        url: A loopback address.
        secret: What signs them, as it was given.
        mode: What goes wrong on purpose; None for nothing.
    """

    url: str
    secret: str = field(repr=False)
    mode: CallbackMode | None = None

    @property
    def key(self) -> bytes:
        """The bytes that sign."""
        return base64.b64decode(self.secret.removeprefix(_PREFIX))


def registration_view(registration: Registration | None) -> dict[str, Any]:
    """What may be told of it: never the secret."""
    if registration is None:
        return {"url": None, "mode": None}
    return {"url": registration.url, "mode": registration.mode}


def registration_from(given: dict[str, Any], current: Registration | None) -> Registration | None:
    """What `given` makes of the current registration: a new one, another mode of it, or its end.

    A mode stays until another one is given: who registers again, after a restart, knows nothing of it.

    Raises:
        MalformedError: `given` says none of these, or a part of it is not what it must be.
    """
    mode = given.get("mode", None if current is None else current.mode)
    if mode is not None and mode not in CALLBACK_MODES:
        raise MalformedError(f"mode must be null or one of {', '.join(CALLBACK_MODES)}")
    if "url" in given:
        if given["url"] is None:
            return None
        return Registration(_url(given["url"]), _secret(given.get("secret")), cast("CallbackMode | None", mode))
    if "mode" not in given or "secret" in given:
        raise MalformedError("give url and secret, or mode, or all three; a url of null ends callbacks")
    if current is None:
        raise MalformedError("nothing is registered that could have a mode: give url and secret too")
    return replace(current, mode=cast("CallbackMode | None", mode))


def _url(given: Any) -> str:
    if isinstance(given, str) and len(given) <= _LONGEST_URL and re.fullmatch(r"[!-~]+", given) and is_here(given):
        return given
    raise MalformedError(f"url must be http to a loopback address, in at most {_LONGEST_URL} characters")


def _secret(given: Any) -> str:
    if isinstance(given, str) and given.startswith(_PREFIX):
        with contextlib.suppress(ValueError):
            key = base64.b64decode(given.removeprefix(_PREFIX), validate=True)
            if len(key) in _KEY_SIZES:
                return given
    least, most = _KEY_SIZES[0], _KEY_SIZES[-1]
    raise MalformedError(f"secret must be {_PREFIX} and the base64 of {least} to {most} bytes")
