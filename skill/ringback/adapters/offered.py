"""Which tools are listed: a channel that no carrier here moves has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEEDS: Final = {"send-sms": Channel.SMS, "send-mms": Channel.MMS, "voice-call": Channel.VOICE}


def is_offered(tool: str, channels: frozenset[Channel]) -> bool:
    """Whether a tool has something to do where these channels are moved."""
    return _NEEDS.get(tool) in {None, *channels}


def offered(schema: dict[str, Any], channels: frozenset[Channel]) -> dict[str, Any]:
    """A tool's arguments, less those that need another channel: there is no live call where nothing calls."""
    if Channel.VOICE in channels or "call_id" not in schema["properties"]:
        return schema
    return {**schema, "properties": {name: what for name, what in schema["properties"].items() if name != "call_id"}}


def channels_in(environment: Mapping[str, str]) -> frozenset[Channel]:
    """The channels that the carriers of this environment move, without opening anything.

    All of them where that cannot be read: calling a tool then says what is wrong.
    """
    from ringback.carriers.registry import channels_of
    from ringback.errors import ConfigurationError

    given = next((value for name, value in environment.items() if name.upper() == "RINGBACK_CARRIER"), "")
    try:
        return channels_of(given) if given.strip() else frozenset(Channel)
    except ConfigurationError:
        return frozenset(Channel)
