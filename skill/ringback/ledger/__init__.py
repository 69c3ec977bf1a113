"""The ledger: the durable record of every outbound, its consent and its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringback.errors import LedgerError
from ringback.ledger.consents import Consents
from ringback.ledger.database import Database
from ringback.ledger.deliveries import Deliveries
from ringback.ledger.endpoints import EndpointSecrets
from ringback.ledger.erasure import Erasure
from ringback.ledger.opt_outs import OptOuts
from ringback.ledger.outbounds import Outbounds
from ringback.ledger.passkeys import Passkeys
from ringback.ledger.received import Inbox
from ringback.ledger.spending import Spending
from ringback.ledger.store import Store, Terms
from ringback.ledger.takeovers import Takeovers
from ringback.ledger.triggers import Triggers
from ringback.ledger.zones import Zones

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.clock import Clock
    from ringback.keys import Keyring
    from ringback.model.numbers import PhoneNumber

__all__ = ["Ledger", "Terms", "open_ledger"]


@dataclass(frozen=True, slots=True)
class Ledger:
    """One installation's ledger, by what is asked of it."""

    outbounds: Outbounds
    consents: Consents
    deliveries: Deliveries
    passkeys: Passkeys
    inbox: Inbox
    takeovers: Takeovers
    opt_outs: OptOuts
    zones: Zones
    spending: Spending
    triggers: Triggers
    endpoints: EndpointSecrets
    erasure: Erasure
    database: Database
    keyring: Keyring = field(repr=False)

    def contact(self, number: PhoneNumber) -> str:
        """The stable opaque reference of a number."""
        return self.keyring.contact(number)

    async def close(self) -> None:
        """Close the file."""
        self.database.close()


def open_ledger(path: Path, keyring: Keyring, clock: Clock, terms: Terms | None = None) -> Ledger:
    """Open the ledger's file, making or upgrading it where needed.

    Raises:
        LedgerError: the file cannot be used, was made by a newer version, or with another key.
    """
    database = Database(path)
    try:
        _check_key(database, keyring)
    except BaseException:
        database.close()
        raise
    store = Store(database, keyring, clock, terms)
    return Ledger(
        outbounds=Outbounds(store),
        consents=Consents(store),
        deliveries=Deliveries(store),
        passkeys=Passkeys(store),
        inbox=Inbox(store),
        takeovers=Takeovers(store),
        opt_outs=OptOuts(store),
        zones=Zones(store),
        spending=Spending(store),
        triggers=Triggers(store),
        endpoints=EndpointSecrets(store),
        erasure=Erasure(store),
        database=database,
        keyring=keyring,
    )


def _check_key(database: Database, keyring: Keyring) -> None:
    """Refuse a key that cannot open what is there; a new ledger remembers the first one's fingerprint."""
    fingerprint = database.peek_meta("key") or database.meta("key", keyring.fingerprint)
    if fingerprint != keyring.fingerprint:
        raise LedgerError(
            "The ledger was made with another key.",
            hint="Restore that key (RINGBACK_KEY or the key file); without it nothing in the ledger can be read.",
        )
    database.key = fingerprint
