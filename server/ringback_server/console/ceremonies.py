"""WebAuthn's two ceremonies by the `webauthn` library, and what Ringback asks of them.

The library is an extra and takes a third of a second to import, so that happens inside the functions. What is asked,
and why, is in docs/decisions/0011.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    from ringback.ledger.passkeys import Passkey

RP_ID: Final = "localhost"
"""The name that passkeys belong to. An IP address is none that WebAuthn knows."""
TIMEOUT_MS: Final = 120_000
_NAME: Final = "Ringback"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Registered:
    """What a browser's answer to `creation_options` holds, checked."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def is_installed() -> bool:
    """Whether the library is there, without importing it."""
    return find_spec("webauthn") is not None


def origin(port: int) -> str:
    """The only origin whose answers count."""
    return f"http://{RP_ID}:{port}"


def creation_options(challenge: bytes, *, user: bytes, known: Iterable[Passkey]) -> str:
    """What the browser needs to make a new passkey, as JSON; on no device that holds a `known` one."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    selection = AuthenticatorSelectionCriteria(
        # The console always says which credentials it takes: none has to be found by name, nor fill a key's few places.
        resident_key=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    options = generate_registration_options(
        rp_id=RP_ID,
        rp_name=_NAME,
        user_id=user,
        user_name=_NAME,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=selection,
        exclude_credentials=_descriptors(known),
    )
    return options_to_json(options)


def check_creation(credential: str, *, challenge: bytes, expected_origin: str) -> Registered:
    """Check a new passkey.

    Raises:
        Refused: it is not what was asked for.
    """
    from webauthn import verify_registration_response

    with _refusing():
        _check_frame(credential)
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=RP_ID,
            expected_origin=expected_origin,
            require_user_verification=True,
        )
    return Registered(made.credential_id, made.credential_public_key, made.sign_count)


def request_options(challenge: bytes, *, known: Iterable[Passkey]) -> str:
    """What the browser needs to have a passkey sign, as JSON."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=RP_ID,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def credential_of(credential: str) -> bytes:
    """Which credential the browser says it is.

    Raises:
        Refused: it cannot be read.
    """
    from webauthn.helpers import parse_authentication_credential_json

    with _refusing():
        return parse_authentication_credential_json(credential).raw_id


def check_signature(credential: str, passkey: Passkey, *, challenge: bytes, expected_origin: str) -> int:
    """Check that this passkey signed this challenge for a person whom it verified; its counter afterwards.

    Raises:
        Refused: it did not.
    """
    from webauthn import verify_authentication_response

    with _refusing():
        _check_frame(credential)
        signed = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=RP_ID,
            expected_origin=expected_origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    return signed.new_sign_count


def _check_frame(credential: str) -> None:
    """The library does not look at `crossOrigin`: whether our page stood in another site's frame."""
    from webauthn.helpers import base64url_to_bytes, parse_client_data_json

    response: Any = json.loads(credential)["response"]
    if parse_client_data_json(base64url_to_bytes(response["clientDataJSON"])).cross_origin:
        raise ValueError("in a frame")


def _descriptors(known: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=passkey.credential_id) for passkey in known]


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever the library objects to, in one way."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - what a stranger sent may raise anything in a parser
        _log.warning("a passkey's answer was refused: %s", type(error).__name__)
        raise Refused(
            "passkey_refused",
            "The passkey's answer does not fit what was asked of it.",
            hint="Nothing was done. Try again; a passkey that is refused every time is removed and registered anew.",
        ) from None
