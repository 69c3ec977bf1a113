"""What adapters check in the same way: the URL they are pointed at, the key they present, the ids they get."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_TELLING: Final = 7
"""So many last digits tell a number."""


def is_safe_url(url: str) -> bool:
    """Whether it is https, or http to this machine, without credentials, which a log could show."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    schemes = {"https", "http"} if host in {"127.0.0.1", "::1", "localhost"} else {"https"}
    return bool(host) and parts.scheme in schemes and not (parts.username or parts.password)


def is_header_value(text: str) -> bool:
    """Whether an HTTP header can carry the text as it is."""
    return text.isascii() and text.isprintable() and text == text.strip()


def is_usable_id(carrier_id: str, to: str) -> bool:
    """Whether the id may stand in a URL: of a harmless form, and without the recipient's number in any grouping."""
    digits = re.sub(r"\D", "", carrier_id)
    return _ID.fullmatch(carrier_id) is not None and re.sub(r"\D", "", to)[-_TELLING:] not in digits
