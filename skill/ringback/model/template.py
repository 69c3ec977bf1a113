"""A text with strict `{name}` variables: each of them is given exactly, and nothing in a value means anything."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import InvalidRequest
from ringback.model.outbound import TEXT_LIMIT
from ringback.model.text import is_encodable

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUE_LIMIT: Final = 500
"""Characters of one variable's value."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VARIABLE: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9_]{0,31})\}")
_JOINERS: Final = frozenset("\u200c\u200d")
"""Between letters of some scripts, and inside emoji, these belong to the spelling."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template. `variables` are the names in it, in the order in which they first stand there."""

    name: str
    text: str = field(repr=False)
    variables: tuple[str, ...]

    def fill(self, values: Mapping[str, object]) -> str:
        """The finished text.

        Raises:
            InvalidRequest: a variable is missing, is none of this template's, or has no usable text; no value is
                repeated.
        """
        missing, extra = [name for name in self.variables if name not in values], set(values) - set(self.variables)
        if missing or extra:
            wrong = [f"{', '.join(missing)} missing"] if missing else []
            wrong += [f"{len(extra)} given that it does not have"] if extra else []
            takes = ", ".join(self.variables) or "none"
            raise InvalidRequest(
                f"The variables of template {self.name} do not fit: {'; '.join(wrong)}.", hint=f"It takes: {takes}."
            )
        checked = {name: _checked(name, values[name]) for name in self.variables}
        return _VARIABLE.sub(lambda match: checked[match[1]], self.text)


def read_template(name: str, text: Any) -> Template:
    """A template from one entry of the file.

    Raises:
        InvalidRequest: its name or its text is not in the documented form.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest("The name of a template begins with a letter; letters, digits, _ and - follow.")
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequest(f"Template {name} is no text.")
    if len(text) > TEXT_LIMIT or not is_encodable(text):
        raise InvalidRequest(f"Template {name} has more than {TEXT_LIMIT} characters.")
    if set(_VARIABLE.sub("", text)) & set("{}"):
        raise InvalidRequest(f"Template {name} has a brace that belongs to no variable, such as {{date}}.")
    return Template(name, text, tuple(dict.fromkeys(_VARIABLE.findall(text))))


def _checked(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"The variable {name} is no text.", hint="Give every variable as a text.")
    if not value.strip() or len(value) > VALUE_LIMIT:
        raise InvalidRequest(
            f"The variable {name} is empty or has more than {VALUE_LIMIT} characters.", hint="Give it, or shorten it."
        )
    if any(_steers(char) for char in value):
        raise InvalidRequest(f"The variable {name} has control characters in it.", hint="Give plain text on one line.")
    return value


def _steers(char: str) -> bool:
    category = unicodedata.category(char)
    return (category[0] == "C" or category in {"Zl", "Zp"}) and char not in _JOINERS
