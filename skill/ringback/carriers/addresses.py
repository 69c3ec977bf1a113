"""Where a name of the operator's choice may lead: its addresses are judged, and kept for the connections to come."""

from __future__ import annotations

import asyncio
import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from ringback.errors import CarrierUnreachable

_MOST: Final = 4
"""So many of a name's addresses are tried at most."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_INSIDE: Final = ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"), ip_network("64:ff9b:1::/48")
"""A cloud's services for its own machines, at an address that looks like any other; protocols' and translators' own,
which not every Python counts as private."""
_NEVER: Final = ip_network("0.0.0.0/8"), ip_network("::/128")

_NUMERIC: Final = re.compile(r"(?:[^:]*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)
"""What ends in a number is an IPv4 address and no name: 127.1, 0x7f000001, 2130706433."""

Address = IPv4Address | IPv6Address


class Pin:
    """The addresses of one host, resolved once. They are looked up anew, and judged anew, only after `forget`.

    A connection goes to one of these addresses and to nothing else, so a name that changes where it leads between the
    check and the request leads nowhere.
    """

    def __init__(self, host: str, port: int, *, private: bool, within_s: float) -> None:
        self._host = host
        self._port = port
        self._private = private
        self._within_s = within_s
        self._kept: tuple[str, ...] | None = None
        self._turn = asyncio.Lock()

    async def addresses(self) -> tuple[str, ...]:
        """The addresses to connect to, the best one first.

        Raises:
            CarrierUnreachable: the name cannot be resolved, or leads where it may not. Nothing left this machine.
        """
        async with self._turn:
            if self._kept is None:
                self._kept = await self._resolve()
            return self._kept

    def forget(self) -> None:
        """Nothing answers there any more: look the name up again."""
        self._kept = None

    async def _resolve(self) -> tuple[str, ...]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._within_s):
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            raise CarrierUnreachable(
                "The address of the endpoint could not be looked up.", hint="Check its name and the network."
            ) from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # One that may not be is enough: a name that leads both ways is a trap.
        if not addresses or not all(is_allowed(address, private=self._private) for address in addresses):
            raise CarrierUnreachable(
                "The endpoint's name leads to this machine or into a private network.",
                hint="Set RINGBACK_CUSTOM_PRIVATE=true if that is meant.",
            )
        return tuple(addresses[:_MOST])


def plain_address(host: str) -> str | None:
    """The address that the host of a URL is, in any spelling of it; `None` for a name.

    Raises:
        ValueError: it looks like an address and is none.
    """
    if _NUMERIC.fullmatch(host):
        try:
            return socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            raise ValueError("no address") from None
    return str(ip_address(host)) if ":" in host else None


def is_allowed(address: str, *, private: bool) -> bool:
    """Whether a connection to this address may be made; `private` lets in what is not on the public internet."""
    found = _innermost(ip_address(address.partition("%")[0]))
    if found.is_multicast or _is_in(found, _NEVER):
        return False
    return private or (found.is_global and not _is_in(found, _INSIDE))


def _is_in(address: Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    if inner is None and (address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
