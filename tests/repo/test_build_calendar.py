"""The packages for calendars are an extra: nothing needs them to start, and only a calendar loads them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ringback.errors import ConfigurationError
from ringback_server.appointments import read

if TYPE_CHECKING:
    from pathlib import Path

NOW, THEN = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
PACKAGES = ("icalendar", "recurring_ical_events")


def test_the_command_and_a_table_load_none_of_them(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("phone,start\n+12025550123,2026-03-20T09:00:00-04:00\n")
    code = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "import ringback_server.commands.reminding, ringback_server.webhooks\n"
        "from ringback_server.appointments import read\n"
        f"read(Path({str(file)!r}), now=datetime.now(UTC), until=datetime.now(UTC))\n"
        f"print(sorted(set({PACKAGES!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_a_calendar_without_them_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    file = tmp_path / "a.ics"
    file.write_text("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    with pytest.raises(ConfigurationError, match="ringback\\[calendar\\]"):
        read(file, now=NOW, until=THEN)
