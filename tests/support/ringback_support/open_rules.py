"""The settings under which a test passes by day and by night; the tests of the rules set what they need."""

from typing import Final

OPEN_RULES: Final = {
    "RINGBACK_HOURS": "off",
    "RINGBACK_COUNTRIES": "all",
    "RINGBACK_LIMITS": "off",
    "RINGBACK_BULK": "off",
    "RINGBACK_CALLER_NAME": "Example Practice",
}
