"""What the doctor finds of the person's templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringback.settings import Settings


def look(settings: Settings, facts: dict[str, Any]) -> list[str]:
    """How many can be used, and a warning for each that cannot."""
    from ringback.templates import Templates

    templates = Templates(settings.templates_path)
    facts["usable"] = len(templates.usable())
    return templates.problems()
