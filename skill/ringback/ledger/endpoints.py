"""The secrets that services present to endpoints of ours: one for each endpoint, and of each only a digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from typing import TYPE_CHECKING, Final

from ringback.errors import LedgerError

if TYPE_CHECKING:
    from ringback.ledger.store import Store

_COLUMN: Final = "endpoint_secret"
_PREFIX: Final = "rbe_"
_SECRET_BYTES: Final = 32
_log = logging.getLogger(__name__)


def new_secret() -> str:
    """A secret of 256 random bits that an HTTP header can carry."""
    return _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


class EndpointSecrets:
    """Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def put(self, endpoint: str, secret: str) -> None:
        """Take this secret for an endpoint from now on, in place of the earlier one. For a person's own hand."""
        plain = {"sha256": _sha256(secret), "made_at": self._store.now()}
        sealed = self._store.keyring.seal(plain, row=endpoint, column=_COLUMN)
        with self._database.transaction("endpoint_secret", durable=True):
            self._database.run("put_endpoint_secret", endpoint=endpoint, sealed=sealed)

    async def drop(self, endpoint: str) -> bool:
        """Close an endpoint; whether it was open."""
        with self._database.transaction("endpoint_secret", durable=True):
            return self._database.one("drop_endpoint_secret", endpoint=endpoint) is not None

    async def fits(self, endpoint: str, secret: str) -> bool:
        """Whether this is the endpoint's secret. In constant time, whatever is wrong with it."""
        return hmac.compare_digest(self._digest(endpoint), _sha256(secret))

    def _digest(self, endpoint: str) -> str:
        """What must come out; for an endpoint without a secret, or with a changed row, what nothing gives."""
        row = self._database.one("endpoint_secret", endpoint=endpoint)
        if row is None:
            return ""
        try:
            return str(self._store.keyring.open(row["sealed"], row=endpoint, column=_COLUMN)["sha256"])
        except LedgerError:
            _log.error("the secret of the endpoint %s was changed by something else; it opens nothing", endpoint)
            return ""


def rekey_endpoints(old: Store, new: Store) -> None:
    """Put the secrets under another key, inside the transaction that does so. What does not open stays as it is."""
    for row in old.database.all("endpoint_secrets"):
        try:
            plain = old.keyring.open(row["sealed"], row=row["name"], column=_COLUMN)
        except LedgerError:
            continue
        sealed = new.keyring.seal(plain, row=row["name"], column=_COLUMN)
        old.database.run("put_endpoint_secret", endpoint=row["name"], sealed=sealed)


def _sha256(secret: str) -> str:
    """Of a secret with 256 random bits: no salt and no slowness would add to it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
