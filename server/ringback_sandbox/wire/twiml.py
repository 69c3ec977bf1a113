"""TwiML, as far as the sandbox plays it: what is said, and which keys are asked for."""

from dataclasses import dataclass
from typing import Any, NoReturn
from xml.parsers import expat

_VERBS = {"Gather", "Say", "Pause", "Hangup"}
_LONGEST_TIMEOUT_S = 600


class TwimlError(ValueError):
    """It is no TwiML that can be played; the text says why."""


@dataclass(frozen=True, slots=True)
class Gather:
    """Which keys end the asking, and where they go.

    Attributes:
        action: The URL that they are posted to; None where nobody is told.
        num_digits: So many keys end it; None for any number.
        finish_on_key: One of these keys ends it, and is not one of the digits.
        timeout_s: So long a silence ends it.
    """

    action: str | None
    num_digits: int | None
    finish_on_key: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Twiml:
    """What a document says, and the one Gather in it."""

    said: str
    gather: Gather | None


class _Reader:
    def __init__(self) -> None:
        self.path: list[str] = []
        self.said: list[str] = []
        self.gather: Gather | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.path:
            if name != "Response":
                raise TwimlError("the document is not a Response")
        elif name not in _VERBS or (len(self.path) > 1 and self.path[1:] != ["Gather"]) or name == self.path[-1]:
            raise TwimlError(f"the sandbox does not play {name[:40]} here")
        elif name == "Gather":
            if self.gather is not None:
                raise TwimlError("the sandbox plays one Gather in a document")
            self.gather = _gather(attributes)
        elif name == "Say" and self.said:
            self.said.append(" ")
        self.path.append(name)

    def end(self, _: str) -> None:
        self.path.pop()

    def text(self, words: str) -> None:
        if self.path[-1] == "Say":
            self.said.append(words)
        elif words.strip():
            raise TwimlError("there is text outside of Say")


def parse(document: str) -> Twiml:
    """Read a document.

    Raises:
        TwimlError: it is no XML, or holds what the sandbox does not play.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(document.encode(), True)  # noqa: FBT003  the interface of expat
    except (expat.ExpatError, UnicodeEncodeError):
        raise TwimlError("the document is no XML") from None
    return Twiml("".join(reader.said), reader.gather)


def _no_doctype(*_: Any) -> NoReturn:
    raise TwimlError("a document type is not taken")


def _gather(given: dict[str, str]) -> Gather:
    digits, timeout = given.get("numDigits", ""), given.get("timeout", "5")
    if digits and not (digits.isascii() and digits.isdigit() and int(digits[:4]) > 0):
        raise TwimlError("numDigits must be a whole number above 0")
    if not (timeout.isascii() and timeout.isdigit()) or int(timeout[:6]) > _LONGEST_TIMEOUT_S:
        raise TwimlError("timeout must be a whole number of seconds")
    if "dtmf" not in given.get("input", "dtmf"):
        raise TwimlError("the sandbox hears keys, not speech")
    action = given.get("action") or None
    return Gather(action, int(digits[:4]) if digits else None, given.get("finishOnKey", "#"), float(timeout))
