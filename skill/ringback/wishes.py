"""What an agent asks for, read: the finished outbound, before any rule is asked and anything is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidRequest
from ringback.model.moment import read_moment
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Outbound
from ringback.model.text import is_encodable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringback.carriers.base import Carrier
    from ringback.ledger.records import Record
    from ringback.live_calls import LiveCalls
    from ringback.parts import Parts
    from ringback.templates import Templates

KEY_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, as it was given."""

    channel: Channel
    to: str | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    media_url: str | None = field(default=None, repr=False)
    send_at: str | None = None
    key: str | None = None
    call_id: str | None = None
    template: str | None = None
    variables: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, read."""

    outbound: Outbound
    carrier: Carrier
    key: str | None
    during: Record | None
    """The call of ours whose other party it goes to."""


class Wishes:
    """Reads what an agent asks for."""

    def __init__(self, parts: Parts, live_calls: LiveCalls, templates: Templates) -> None:
        self._carriers = parts.carriers
        self._lines = parts.lines
        self._rules = parts.rules
        self._live_calls = live_calls
        self._templates = templates

    async def read(self, asked: Asked) -> Wish:
        """The finished outbound.

        Raises:
            InvalidRequest: number, text, template, time or key cannot be read, or not exactly one of two was given.
            NotFound: there is no such call.
            Refused: no carrier here moves this, or the call is none of ours.
        """
        if asked.key is not None and not (0 < len(asked.key) <= KEY_LIMIT and is_encodable(asked.key)):
            raise InvalidRequest(
                f"An idempotency key has 1 to {KEY_LIMIT} characters of valid Unicode.", hint="Change it."
            )
        text, call = asked.text or "", None
        if asked.channel is Channel.SMS:
            text = self._templates.text(asked.text, asked.template, asked.variables)
            call = await self._live_calls.chosen(asked.to, asked.call_id, asked.send_at)
        carrier = self._carriers.require(asked.channel)
        last = self._lines.last(carrier)
        given = asked.to or "" if call is None else call.outbound.to.e164
        to = parse_number(given, home=last.number if last else None)
        due = None if asked.send_at is None else read_moment(asked.send_at)
        said = self._rules.spoken(asked.channel, text)
        return Wish(Outbound(asked.channel, to, carrier.name, said, asked.media_url, due), carrier, asked.key, call)
