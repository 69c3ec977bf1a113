import re
from pathlib import Path

import pytest

from ringback.settings import Settings, load_settings

README = Path(__file__).resolve().parents[2] / "README.md"


def _table() -> dict[str, str]:
    section = README.read_text(encoding="utf-8").split("\n## Settings\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", section, re.MULTILINE))


def _variables() -> dict[str, str]:
    """Environment variable to field, as the settings read them."""
    return {
        (field.validation_alias.choices[0] if field.validation_alias else f"RINGBACK_{name.upper()}"): name
        for name, field in Settings.model_fields.items()
    }


def test_the_readme_lists_every_setting_and_no_other() -> None:
    assert set(_table()) == set(_variables())


@pytest.mark.parametrize("variable", [name for name, default in _table().items() if re.fullmatch(r"`[^`]+`", default)])
def test_the_readme_tells_a_settings_true_default(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in _variables():
        monkeypatch.delenv(name, raising=False)
    value = getattr(load_settings(), _variables()[variable])
    told = _table()[variable].strip("`")
    assert value == type(value)(told)


def test_each_variable_of_the_readme_is_the_one_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "RINGBACK_APPROVAL": "page",
        "RINGBACK_HOME": "/elsewhere",
        "RINGBACK_KEY_FILE": "/elsewhere/key",
        "RINGBACK_SANDBOX_PORT": "1",
        "RINGBACK_CONSOLE_PORT": "2",
        "RINGBACK_CONNECT_TIMEOUT_S": "3",
        "RINGBACK_READ_TIMEOUT_S": "4",
        "RINGBACK_SERVE_PORT": "5",
        "RINGBACK_SCHEDULE_GRACE_S": "60",
        "RINGBACK_RETENTION_DAYS": "7",
        "RINGBACK_CUSTOM_PRIVATE": "true",
        "RINGBACK_HOURS": "09:00-20:00",
        "RINGBACK_HOURS_PRESETS": "/elsewhere/hours.toml",
        "RINGBACK_COUNTRIES": "US,CA",
        "RINGBACK_LIMITS": "all=1/day",
        "RINGBACK_BUDGET": "1 USD/day",
        "RINGBACK_BULK": "1/day",
        "RINGBACK_SANDBOX_RULES": "true",
        "RINGBACK_CALL_OPENING": "An AI calls for {caller}. {opt_out}",
        "RINGBACK_REDACT_INBOUND": "false",
    }
    for name in _table():
        monkeypatch.setenv(name, values.get(name, "given"))
    assert {name for name in Settings().model_fields_set if name in Settings.model_fields} == set(_variables().values())
