"""Numbers and texts from files and standard input, to keep them out of a shell's history and of the process list."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidRequest

if TYPE_CHECKING:
    from typing import BinaryIO

_LIMIT: Final = 65_536
"""Bytes: far more than the longest text that is taken."""


class Inputs:
    """Reads the values of one command. Standard input has one value at most."""

    def __init__(self) -> None:
        self._read_by: str | None = None

    def word(self, given: str, option: str) -> str:
        """A value without white space around it: a number, an address."""
        text = self.text(given, option)
        return text if text == given else text.strip()

    def text(self, given: str, option: str) -> str:
        """The value: `-` is standard input, `@FILE` a file, `@@` a plain `@`, anything else itself.

        Of what is read, the last line break is dropped.

        Raises:
            InvalidRequest: the file or standard input cannot be read, is too long, or is not UTF-8.
        """
        if given == "-":
            return self._standard_input(option)
        if given.startswith("@@"):
            return given[1:]
        if given.startswith("@"):
            return _file(given[1:], option)
        return given

    def _standard_input(self, option: str) -> str:
        if self._read_by is not None:
            raise InvalidRequest(
                f"Both {self._read_by} and {option} ask for standard input.", hint="Give one of them as @FILE."
            )
        self._read_by = option
        if sys.stdin is None:
            raise InvalidRequest(f"{option} - needs standard input, which is closed.", hint="Give it as @FILE.")
        if sys.stdin.isatty():
            print(f"Type what {option} says; end it with Ctrl-D on a line of its own.", file=sys.stderr)  # noqa: T201 - the person is waited for
        return _decoded(sys.stdin.buffer, option)


def _file(path: str, option: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - an empty or odd path is the system's to judge
            return _decoded(file, option)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "no such path"
        raise InvalidRequest(
            f"The file for {option} cannot be read: {reason}.", hint="Check the path after @; a plain @ is written @@."
        ) from None


def _decoded(source: BinaryIO, option: str) -> str:
    data = source.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        raise InvalidRequest(f"What {option} reads is longer than {_LIMIT} bytes.", hint="Shorten it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(f"What {option} reads is not UTF-8 text.", hint="Save it as UTF-8.") from None
    return re.sub(r"\r?\n\Z", "", text)
