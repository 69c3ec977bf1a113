"""What is configured, what is missing, and what is broken: looked at piece by piece, so that one fault hides no other.

It shows no number, no text and no secret. It changes nothing, but asks the carrier as `check` does; on the sandbox that
starts the sandbox.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import sqlite3
import stat
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ringback.errors import RingbackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ringback.keys import Keyring
    from ringback.settings import Settings

_OTHERS: Final = 0o077
_ANYBODY_WRITES: Final = 0o002
_LITTLE: Final = 100 * 1024 * 1024
_PROBE_S: Final = 1.0
_SANDBOXS_OWN: Final = "RINGBACK_SANDBOX_KEY"
"""Read by the sandbox's process, so not one of our settings and yet no mistake."""
_SAME_USER: Final = (
    "An agent that has a shell under this user can do what you can: read the key, change the ledger, play a terminal, "
    "post to the page. Approvals do not hold against it; run such an agent as another user."
)
_CLIENTS_WORD: Final = (
    "RINGBACK_APPROVAL=client takes the MCP client's word that a person agreed. With page it takes the page's or a "
    "terminal's."
)


_PASSKEY_ALONE: Final = (
    "RINGBACK_APPROVAL=passkey takes a passkey on the page and nothing else. "
    "In a client's form or a terminal a person can only say no."
)


@dataclass
class Diagnosis:
    """What was found. `problems` keep Ringback from working; `warnings` are for a person to judge."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """The diagnosis as JSON-ready values."""
        return {"ok": not self.problems, **self.facts, "problems": self.problems, "warnings": self.warnings}


def diagnose() -> Diagnosis:
    """Look at everything. Raises nothing: what cannot be looked at is a problem among the others."""
    doctor = _Doctor()
    checks: dict[str, Callable[[dict[str, Any]], None]] = {
        "versions": doctor.look_at_versions,
        "settings": doctor.look_at_settings,
        "data": doctor.look_at_data,
        "key": doctor.look_at_key,
        "processes": doctor.look_at_processes,
        "ledger": doctor.look_at_ledger,
        "passkeys": doctor.look_at_passkeys,
        "templates": doctor.look_at_templates,
        "carrier": doctor.look_at_carrier,
        "rules": doctor.look_at_rules,
    }
    for name, look in checks.items():
        try:
            look(doctor.found.facts.setdefault(name, {}))
        except RingbackError as error:
            doctor.problem(f"{error.message} {error.hint}".strip())
        except Exception as error:  # noqa: BLE001 - a doctor that falls ill helps nobody; texts may hold values
            doctor.problem(f"The {name} could not be looked at: {type(error).__name__}.")
    return doctor.found


class _Doctor:
    """The checks, each of which gives facts and may add problems and warnings."""

    def __init__(self) -> None:
        self.found = Diagnosis()

    def problem(self, text: str) -> None:
        """Note a problem, once."""
        if text not in self.found.problems:
            self.found.problems.append(text)

    @cached_property
    def settings(self) -> Settings:
        """The settings; what needs them fails with their error while they cannot be read."""
        from ringback.settings import load_settings

        return load_settings()

    @cached_property
    def keyring(self) -> Keyring | None:
        """The installation's keys; `None` before the first use."""
        from ringback.keys import load_keyring

        if self.settings.key is None and not self.settings.key_path.exists():
            return None
        text = self.settings.key.get_secret_value() if self.settings.key else None
        return load_keyring(text, self.settings.key_path, self.settings.ledger_path)

    def look_at_versions(self, facts: dict[str, Any]) -> None:
        """Ringback, Python, the system, the libraries, and whether the MCP server is installed."""
        facts["ringback"], facts["python"] = _version("ringback"), platform.python_version()
        facts["system"] = f"{platform.system()} {platform.release()}"
        facts["sqlite"], facts["mcp"] = sqlite3.sqlite_version, _version("mcp")
        if facts["mcp"] is None:
            self.found.warnings.append("The MCP server is not installed; run: pip install 'ringback[mcp]'")
        names = {_name(requirement) for requirement in requires("ringback") or () if "extra ==" not in requirement}
        facts["libraries"] = {name: _version(name) for name in sorted(names)}
        for name, found in facts["libraries"].items():
            if found is None:
                self.problem(f"The library {name} is missing. Install ringback again.")

    def look_at_settings(self, facts: dict[str, Any]) -> None:
        """What is set; of secrets only that they are."""
        from ringback.approvals import LEAST
        from ringback.settings import ApprovalFloor, Settings

        self.found.warnings.append(_SAME_USER)
        known = {f"RINGBACK_{name.upper()}" for name in Settings.model_fields} | {_SANDBOXS_OWN}
        strangers = sorted(name for name in os.environ if name.startswith("RINGBACK_") and name.upper() not in known)
        if strangers:
            self.found.warnings.append(f"Nothing reads these settings: {', '.join(strangers)}.")
        settings = self.settings
        facts["carrier"], facts["home"] = settings.carrier_name, str(settings.home)
        facts["approval"], facts["least_level"] = settings.approval.value, LEAST[settings.approval].value
        facts["saas_api_url"], facts["saas_api_key"] = _origin(settings.saas_api_url), _is_set(settings.saas_api_key)
        facts["key"] = _is_set(settings.key)
        facts["sandbox_port"], facts["console_port"] = settings.sandbox_port, settings.console_port
        facts["serve_port"], facts["public_url"] = settings.serve_port, _origin(settings.public_url)
        facts["retention_days"], facts["schedule_grace_s"] = settings.retention_days, settings.schedule_grace_s
        if settings.approval is ApprovalFloor.CLIENT:
            self.found.warnings.append(_CLIENTS_WORD)
        if settings.approval is ApprovalFloor.PASSKEY:
            self.found.warnings.append(_PASSKEY_ALONE)

    def look_at_data(self, facts: dict[str, Any]) -> None:
        """Where the data lies, how large it is, and who else could touch it."""
        home = self.settings.home
        facts["home"], facts["exists"] = str(home), home.exists()
        if facts["exists"]:
            facts["mode"] = _mode(home)
            facts["free_bytes"] = free = shutil.disk_usage(home).free
            if free < _LITTLE:
                self.found.warnings.append(f"Only {free // 1024**2} MB are free there. On a full disk nothing is sent.")
            self._look_at_folders(home)
            facts["bytes"] = {path.name: _size(path) for path in sorted(home.iterdir())}

    def _look_at_folders(self, home: Path) -> None:
        if os.name != "posix":
            return
        for folder in (home, *home.parents):
            mode = folder.stat().st_mode
            if mode & _ANYBODY_WRITES and not mode & stat.S_ISVTX:
                self.found.warnings.append(f"Any user can replace what lies in {folder}: it is writable for all.")
        if home.stat().st_mode & _OTHERS:
            self.found.warnings.append(f"Other users can look into the data folder. Run: chmod 700 {home}")
        if not os.access(home, os.W_OK | os.X_OK):
            self.problem("The data folder cannot be written, so nothing can be sent. Check its owner and permissions.")

    def look_at_key(self, facts: dict[str, Any]) -> None:
        """Where the key comes from, whether it is safe there, and whether a change of it was cut off."""
        from ringback_server.doctor_key import look

        self.found.warnings += look(self.settings, facts)
        if self.keyring is None and self.settings.ledger_path.exists():
            self.problem("The ledger's key is missing: without it nothing in the ledger can be read. Restore it.")

    def look_at_processes(self, facts: dict[str, Any]) -> None:
        """Whether the sandbox, `serve` and the console run now. An assistant's server leaves no trace."""
        for name in ("sandbox", "serve", "console"):
            facts[name] = running_process(self.settings.home / name)

    def look_at_ledger(self, facts: dict[str, Any]) -> None:
        """Whether it is whole and can be written, what is in doubt, and what is scheduled."""
        from ringback_server.doctor_ledger import look

        processes = self.found.facts.get("processes", {})
        sender = any(processes.get(name) for name in ("serve", "console"))
        findings = look(self.settings, lambda: self.keyring, facts, sender=sender)
        self.found.warnings += findings.warnings
        for text in findings.problems:
            self.problem(text)

    def look_at_passkeys(self, facts: dict[str, Any]) -> None:
        """How many are registered, and whether they can be used."""
        from ringback_server.doctor_passkeys import look

        self.found.warnings += look(self.settings, self.keyring, facts)

    def look_at_templates(self, facts: dict[str, Any]) -> None:
        """How many can be used, and what is wrong with the others."""
        from ringback_server.doctor_templates import look

        self.found.warnings += look(self.settings, facts)

    def look_at_carrier(self, facts: dict[str, Any]) -> None:
        """Whether each carrier answers, and what it says of the line."""
        from ringback_server.doctor_carriers import look

        # The sandbox's folder would be made along with it, and the data folder then for all to see.
        self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = look(self.settings, facts)
        self.found.warnings += found.warnings
        for problem in found.problems:
            self.problem(problem)

    def look_at_rules(self, facts: dict[str, Any]) -> None:
        """Which rules of the road are in force, what they lack, and how many opted out."""
        from ringback_server.doctor_rules import look

        found = look(self.settings, facts, self.found.facts.get("carrier", {}))
        self.found.warnings += found.warnings
        for problem in found.problems:
            self.problem(problem)


def running_process(state: Path) -> dict[str, Any] | None:
    """The sandbox or console that announced itself in this folder, if it takes connections: its `url` and `pid`."""
    try:
        told = json.loads((state / "endpoint.json").read_text(encoding="utf-8"))
        url, pid = str(told["url"]), int(told["pid"])
        parts = urlsplit(url)
        os.kill(pid, 0)
        with socket.create_connection((parts.hostname or "", parts.port or 0), _PROBE_S):
            return {"url": url, "pid": pid}
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return found[0] if found else requirement


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _origin(url: str | None) -> str:
    """Scheme and host of an address: anything else in it may be a secret."""
    if not url:
        return "unset"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"


def _is_set(secret: object) -> str:
    return "set" if secret else "unset"


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(item.stat().st_size for item in path.rglob("*") if item.is_file())
    return path.stat().st_size
