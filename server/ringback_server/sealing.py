"""Seals what a client of the stateless era carries between two rounds, with the installation's own key.

The key outlives the process, so an answer that arrives after a restart still counts, and any server of the same
installation can take it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState

from ringback.errors import RingbackError

if TYPE_CHECKING:
    from mcp.server.request_state import RequestStateCodec


class InstallationCodec:
    """AES-256-GCM under a key derived from the installation's; loaded when it is first used."""

    def __init__(self) -> None:
        self._codec: RequestStateCodec | None = None

    def seal(self, payload: bytes) -> str:
        """Return an opaque token."""
        return self._loaded().seal(payload)

    def unseal(self, token: str) -> bytes:
        """Reverse `seal`.

        Raises:
            InvalidRequestState: the token is none of this installation's, or the key cannot be read.
        """
        try:
            codec = self._loaded()
        except RingbackError:
            raise InvalidRequestState("the installation's key cannot be read") from None
        return codec.unseal(token)

    def _loaded(self) -> RequestStateCodec:
        if self._codec is None:
            from ringback.keys import load_keyring
            from ringback.settings import load_settings

            settings = load_settings()
            key = settings.key.get_secret_value() if settings.key else None
            self._codec = AESGCMRequestStateCodec([load_keyring(key, settings.key_path).request_state])
        return self._codec
