"""The person's templates: `templates.toml` in the data folder, read whenever one is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ringback.errors import InvalidRequest
from ringback.model.template import Template, read_template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LARGEST: Final = 256 * 1024
_HINT: Final = "Use a name that check-telephony lists under templates. The person writes them in templates.toml."


class Templates:
    """What the file holds now. A broken entry spoils no other one; `ringback doctor` tells of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def usable(self) -> list[Template]:
        """Every template that can be used, by name."""
        return self._read()[0]

    def problems(self) -> list[str]:
        """What is wrong with the file, a sentence each; none of them repeats a text."""
        return self._read()[1]

    def text(self, body: str | None, template: str | None, variables: Mapping[str, object] | None) -> str:
        """The text that is meant: `body`, or what a template and its variables make.

        Raises:
            InvalidRequest: not exactly one of the two was given, there is no such template, or the variables are not
                exactly its own.
        """
        if template is None and body is not None and variables is None:
            return body
        if template is None or body is not None:
            raise InvalidRequest(
                "Exactly one of body and template is needed; variables go with a template.", hint="Give one of them."
            )
        return self._finished(template, variables)

    def _finished(self, name: str, variables: Mapping[str, object] | None) -> str:
        found = next((template for template in self.usable() if template.name == name), None)
        if found is None:
            raise InvalidRequest("There is no usable template of this name.", hint=_HINT)
        return found.fill(variables or {})

    def _read(self) -> tuple[list[Template], list[str]]:
        try:
            entries = self._entries()
        except InvalidRequest as error:
            return [], [error.message]
        usable, problems = [], []
        for name, text in sorted(entries.items()):
            try:
                usable.append(read_template(name, text))
            except InvalidRequest as error:
                problems.append(error.message)
        return usable, problems

    def _entries(self) -> dict[str, Any]:
        import tomllib

        try:
            with self._path.open("rb") as file:
                data = file.read(_LARGEST + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InvalidRequest(f"templates.toml cannot be read: {error.strerror}.") from None
        if len(data) > _LARGEST:
            raise InvalidRequest(f"templates.toml is larger than {_LARGEST // 1024} KiB.")
        try:
            return tomllib.loads(data.decode())
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None)
            raise InvalidRequest(f"templates.toml is no TOML{f', line {line}' if line else ''}.") from None
