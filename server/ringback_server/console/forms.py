"""Reading a posted form strictly: every field known, each given once, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

_MOST_FIELDS: Final = 16


async def read_form(request: Request) -> dict[str, str]:
    """The fields of the request's form.

    Raises:
        HTTPException: 400, the body is no form of UTF-8 fields, or names one twice.
    """
    try:
        body = (await request.body()).decode("ascii")
        pairs = parse_qsl(
            body, keep_blank_values=True, strict_parsing=bool(body), errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise HTTPException(400, "The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise HTTPException(400, "The form has a field twice.")
    return fields


def whole_number(text: str, most: int) -> int | None:
    """A number of 1 to `most`, `None` for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    return int(text) if 1 <= int(text) <= most else None
