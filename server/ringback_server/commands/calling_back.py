"""`carrier`: tells carriers where to call back, and that they are to do so no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ringback_server.commands.exits import Exit
from ringback_server.commands.root import json_option

if TYPE_CHECKING:
    from ringback.carriers.base import CarrierReader
    from ringback_server.commands.installation import Installation
    from ringback_server.commands.output import Output


@click.group()
def carrier() -> None:
    """Tell carriers where to call back.

    See: ringback carrier subscribe --help
    """


@carrier.command()
@click.argument("name", metavar="[CARRIER]", required=False)
@json_option
@click.pass_obj
def subscribe(output: Output, name: str | None) -> int:
    """Have CARRIER, or every carrier in use, call back at RINGBACK_PUBLIC_URL.

    ringback serve does the same when it starts. It must run, and the address lead to it, for anything to arrive.
    """
    return _tell(output, name, subscribed=True)


@carrier.command()
@click.argument("name", metavar="[CARRIER]", required=False)
@json_option
@click.pass_obj
def unsubscribe(output: Output, name: str | None) -> int:
    """Have CARRIER, or every carrier in use, call back there no more.

    Do it before a new key or another RINGBACK_PUBLIC_URL: the address that was told depends on both.
    """
    return _tell(output, name, subscribed=False)


def _tell(output: Output, name: str | None, *, subscribed: bool) -> int:
    """Tell them, and show for each whether that is done."""
    from ringback_server.commands.installation import installation

    with installation() as here:
        done = {each.name: _told(here, each, subscribed=subscribed) for each in _chosen(here, name)}
    output.show(
        {"carriers": [{"carrier": each, "subscribed": subscribed, "done": told} for each, told in done.items()]},
        [_line(each, told, subscribed=subscribed) for each, told in done.items()],
    )
    return Exit.DONE if all(done.values()) else Exit.REFUSED


def _chosen(here: Installation, name: str | None) -> list[CarrierReader]:
    """The carriers that are meant.

    Raises:
        NotFound: none of this name is in use.
    """
    from ringback.errors import NotFound

    carriers = here.opened.carriers
    if name is None:
        return list(carriers)
    found = carriers.get(name)
    if found is None:
        raise NotFound("No carrier of this name is in use here.", hint=f"In use: {carriers.names}.")
    return [found]


def _told(here: Installation, carrier: CarrierReader, *, subscribed: bool) -> bool:
    inbound, url = here.opened.inbound, f"{_base(here, carrier)}/webhooks/{carrier.name}"
    return here.run(inbound.subscribe(carrier, url) if subscribed else inbound.unsubscribe(carrier, url))


def _base(here: Installation, carrier: CarrierReader) -> str:
    """The address that leads to `ringback serve`.

    Raises:
        ConfigurationError: there is none that the carrier could reach.
    """
    from ringback.errors import ConfigurationError
    from ringback_server.commands.serving import public_address

    settings = here.opened.settings
    public = public_address(settings)
    if carrier.live and public is None:
        raise ConfigurationError(
            "RINGBACK_PUBLIC_URL is not set, so there is no address to tell.",
            hint="Set it to the https:// address that leads to ringback serve. Without one carriers are asked instead.",
        )
    return public if public and carrier.live else f"http://127.0.0.1:{settings.serve_port}"


def _line(name: str, done: bool, *, subscribed: bool) -> str:  # noqa: FBT001 - the one thing that this line tells
    if not done:
        return f"{name}: cannot be told; where it offers callbacks at all, a person sets them up there."
    return f"{name}: calls back from now on." if subscribed else f"{name}: calls back no more."
