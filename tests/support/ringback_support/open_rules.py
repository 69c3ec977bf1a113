"""The settings under which a test passes by day and by night; the tests of the rules set what they need."""

from typing import Final

from ringback.model.outbound import Channel
from ringback.model.voice import spoken

OPEN_RULES: Final = {
    "RINGBACK_HOURS": "off",
    "RINGBACK_COUNTRIES": "all",
    "RINGBACK_LIMITS": "off",
    "RINGBACK_BULK": "off",
    "RINGBACK_CALLER_NAME": "Example Practice",
}


def voiced(prompt: str) -> str:
    """What a call of `prompt` says under these settings."""
    return spoken(prompt, caller=OPEN_RULES["RINGBACK_CALLER_NAME"])


def worded(channel: Channel, text: str) -> str:
    """What goes out of `text` by a channel under these settings."""
    return voiced(text) if channel is Channel.VOICE else text
