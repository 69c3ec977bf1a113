"""What a command says: JSON alone on standard output, or short text where a person reads it."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ringback.errors import RingbackError

_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_COLOURS = {
    **dict.fromkeys(("delivered", "completed"), "green"),
    **dict.fromkeys(("awaiting_approval", "scheduled", "unknown"), "yellow"),
    **dict.fromkeys(("failed", "undelivered", "refused", "busy", "no_answer"), "red"),
}


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's words go. `json` is chosen once, before anything is parsed."""

    json: bool
    colour: bool

    @classmethod
    def choose(cls, arguments: Sequence[str]) -> Output:
        """JSON where it is asked for and wherever standard output is no terminal; colour unless `NO_COLOR` is set."""
        at_terminal = is_terminal(sys.stdout)
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        return cls(json="--json" in arguments or not at_terminal, colour=at_terminal and not plain)

    def show(self, document: Mapping[str, object], lines: Iterable[str]) -> None:
        """Print a result: the document as JSON, or the lines."""
        if not self.json:
            self.tell("\n".join(lines))
            return
        utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
        indent = 2 if is_terminal(sys.stdout) else None
        self._write(sys.stdout, _harmless(json.dumps(document, ensure_ascii=not utf8, indent=indent)))

    def tell(self, text: str) -> None:
        """Print text for the person: on standard output, or on standard error where that is JSON's alone."""
        self._write(sys.stderr if self.json else sys.stdout, text)

    def note(self, text: str) -> None:
        """Print a remark beside the result, on standard error; where a script reads, nothing."""
        if not self.json:
            self._write(sys.stderr, text)

    def fail(self, error: RingbackError) -> None:
        """Print an error: what happened and what to do next."""
        from ringback.adapters.native import explain

        told = explain(error)
        if self.json:
            self.show({"error": told}, ())
            return
        lines = [f"ringback: {clean(error.message)} ({error.reason})"]
        if told.get("suggestion"):
            lines.append(f"  Perhaps {told['suggestion']} is meant.")
        if error.hint:
            lines.append(f"  {clean(error.hint)}")
        self._write(sys.stderr, "\n".join(lines))

    def status(self, status: str) -> str:
        """A status as a person reads it, coloured by what it means."""
        return self.style(status.replace("_", " "), _COLOURS.get(status))

    def style(self, text: str, colour: str | None = None, *, bold: bool = False) -> str:
        """The text in a colour, where colours are wanted."""
        if not self.colour or (colour is None and not bold):
            return text
        import click

        return click.style(text, fg=colour, bold=bold or None)

    @staticmethod
    def _write(stream: TextIO | None, text: str) -> None:
        """Print a line. A reader that has gone is none of our business: what was done is done."""
        if stream is None:
            return
        try:
            print(text, file=stream, flush=True)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
        except BrokenPipeError:
            forget(stream)


def _harmless(document: str) -> str:
    """The same JSON, with what could steer a terminal or turn the reading direction written as escapes."""
    if document.isascii():
        return document.replace("\x7f", "\\u007f")
    return "".join(json.dumps(char)[1:-1] if _steers(char) else char for char in document)


def _steers(char: str) -> bool:
    return char == "\x7f" or (not char.isascii() and unicodedata.category(char) in _STEERING)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is open and a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def forget(stream: TextIO) -> None:
    """Send what a stream still holds nowhere, so that the interpreter's last flush finds a reader."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def clean(text: str) -> str:
    """Text from elsewhere, on one line and with nothing in it that could steer a terminal."""
    from ringback.model.text import visible

    return visible(" ".join(text.splitlines()))


def aligned(rows: Iterable[tuple[str, str]], *, indent: str = "") -> list[str]:
    """Labels and values in two columns; rows without a value are left out."""
    kept = [(label, value) for label, value in rows if value]
    width = max((len(label) for label, _ in kept), default=0)
    return [f"{indent}{label:<{width}}  {value}" for label, value in kept]
