"""What the tests of the core start from: no settings from outside, and helpers that can be imported."""

import os
import sys
from pathlib import Path

import hypothesis
import pytest

SUPPORT = str(Path(__file__).resolve().parents[1] / "support")
if SUPPORT not in sys.path:
    sys.path.insert(0, SUPPORT)

hypothesis.settings.register_profile("house", deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("house")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("RINGBACK_", "SAAS_")):
            monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where an installation keeps its files."""
    return tmp_path / "home"
