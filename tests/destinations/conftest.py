"""What the collection of hostile numbers starts from: nothing but the destination can be in the way."""

from __future__ import annotations

import os

import pytest

OTHER_RULES_OFF = {
    "RINGBACK_HOURS": "off",
    "RINGBACK_BUDGET": "off",
    "RINGBACK_LIMITS": "off",
    "RINGBACK_COUNTRIES": "all",
    "RINGBACK_BULK": "off",
    "RINGBACK_CALLER_NAME": "Example Bakery",
}


@pytest.fixture(autouse=True)
def _no_other_rule_stands_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("RINGBACK_", "SAAS_"))]:
        monkeypatch.delenv(name)
    for name, value in OTHER_RULES_OFF.items():
        monkeypatch.setenv(name, value)
