"""The walls of the house: who can reach a carrier's sending call, who speaks to the network, who stands for a person.

Each wall is a function from a source to what breaks it, tried on planted violations as well as on the tree.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix() for top in ("skill", "server", "prompts") for path in (ROOT / top).rglob("*.py")
)
LONGEST_FILE, LONGEST_FUNCTION = 320, 50

NETWORK = {
    "httpx2",
    "httpx",
    "httpcore2",
    "requests",
    "urllib3",
    "aiohttp",
    "socket",
    "socketserver",
    "smtplib",
    "ftplib",
}
NETWORK |= {"http.client", "urllib.request", "websockets", "ssl", "anyio", "xmlrpc", "telnetlib"}
NETWORK_ALLOWED = {
    "skill/ringback/carriers/http.py": {"httpx2"},  # the way to the carriers
    "skill/ringback/carriers/pinned.py": {"httpx2"},  # the same way, to addresses that were judged before
    "skill/ringback/carriers/addresses.py": {"socket"},  # looks up an endpoint's name
    "server/ringback_server/doctor.py": {"socket"},  # asks whether a port is free
    "server/ringback_server/demo/handset.py": {"http.client"},  # plays the handset's owner on the sandbox
    "server/ringback_server/webhooks.py": {"socket"},  # listens for the carriers' callbacks
    "server/ringback_server/console/serving.py": {"socket"},  # listens for the person's page
    "server/ringback_server/console/starting.py": {"http.client"},  # asks whether the page answers
    "server/ringback_server/stdio.py": {"anyio"},  # the MCP SDK's streams over standard input and output
    "server/ringback_sandbox/serving.py": {"socket"},  # listens for its clients
    "server/ringback_sandbox/delivery.py": {"httpx2"},  # calls back
    "server/ringback_sandbox/wire/thinnest.py": {"httpx2"},  # posts to a custom endpoint
    "server/ringback_sandbox/wire/thoughtly_hooks.py": {"httpx2"},  # calls back, in Thoughtly's way
    "server/ringback_sandbox/wire/twilio_hooks.py": {"httpx2"},  # calls back as Twilio does
    "server/ringback_sandbox/http.py": {"socket"},  # resets connections on demand
}
PERSON_ALLOWED = {
    "skill/ringback/opening.py",  # builds it
    "server/ringback_server/mcp_app.py",  # hands it to `asking` alone
    "server/ringback_server/asking.py",  # the client's form
}
CONVERSATIONS_BUILT = "skill/ringback/person.py"
PERSON_ALLOWED_UNDER = ("server/ringback_server/console/", "server/ringback_server/commands/")
CONSENT_WORDS = {
    "person",
    "_person",
    "approvals",
    "_approvals",
    "consents",
    "dispatcher",
    "_dispatcher",
    "triggers",
    "ledger",
    "_ledger",
    "conversations",
    "_conversations",
    "takeovers",
}


def source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


# -- the scanners ----------------------------------------------------------------------------------------------------


def constant(node: ast.AST) -> str | None:
    """The text that an expression of literals stands for."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = constant(node.left), constant(node.right)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.JoinedStr):
        parts = [constant(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values]
        return None if None in parts else "".join(part for part in parts if part is not None)
    return None


def names(tree: ast.AST) -> Iterator[str]:
    """Everything in a source by which an attribute can be named: attributes, names, imports, definitions, literals."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
            yield node.asname or ""
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.MatchClass):
            yield from node.kwd_attrs
        elif isinstance(node, ast.keyword):
            yield node.arg or ""
        else:
            yield constant(node) or ""


def transmitting(path: str, text: str) -> list[str]:
    """Names of the carrier's sending call outside the carriers and dispatch."""
    if path == "skill/ringback/dispatch.py" or path.startswith("skill/ringback/carriers/"):
        return []
    return [name for name in names(ast.parse(text)) if name == "transmit"]


def claiming(path: str, text: str) -> list[str]:
    """Uses of the ledger's fence outside dispatch."""
    if path in {"skill/ringback/dispatch.py", "skill/ringback/ledger/deliveries.py"} or "ringback_sandbox" in path:
        return []
    tree = ast.parse(text)
    attributes = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "claim"]
    return attributes + [text for node in ast.walk(tree) if (text := constant(node)) == "claim"]


def imported(tree: ast.Module) -> Iterator[str]:
    """The modules that a source imports when it runs: what stands under TYPE_CHECKING is no import."""
    hidden = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for part in node.body
        for child in ast.walk(part)
    }
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and names_import(node.func) and node.args:
            yield constant(node.args[0]) or "?"


def names_import(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in {"import_module", "__import__"}


def networking(path: str, text: str) -> list[str]:
    """Modules that reach the network, where none is allowed."""
    allowed = NETWORK_ALLOWED.get(path, set())
    modules = list(imported(ast.parse(text)))
    found = {wall for wall in NETWORK for module in modules if module == wall or module.startswith(f"{wall}.")}
    ways = {"open_connection", "create_connection", "urlopen"}
    streams = [] if allowed else [name for name in names(ast.parse(text)) if name in ways]
    return sorted(found - allowed) + streams


def impersonating(path: str, text: str) -> list[str]:
    """Ways to a person's side where a tool, or anything that serves one, stands."""
    tree = ast.parse(text)
    if path.startswith("server/ringback_server/tools/") or path == "server/ringback_server/resources.py":
        return [name for name in names(tree) if name in CONSENT_WORDS or name in {"Person", "Conversations"}]
    if path == CONVERSATIONS_BUILT or path.startswith(PERSON_ALLOWED_UNDER):
        return []
    # A client's form may ask a person. It neither takes over nor writes by hand: that needs the page or a terminal.
    sides = {"conversations"} if path in PERSON_ALLOWED else {"person", "conversations"}
    modules = [module for module in imported(tree) if module.split(".")[:2] in [["ringback", side] for side in sides]]
    return modules + [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in sides]


def heavy_numbers(path: str, text: str) -> list[str]:
    """Parts of the number library that cost a quarter of a second and 97 MB."""
    del path
    heavy = ("phonenumbers.geocoder", "phonenumbers.carrier", "phonenumbers.geodata")
    return [module for module in imported(ast.parse(text)) if module.startswith(heavy)]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without its docstring."""
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    told = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
    return (function.end_lineno or 0) - function.lineno + 1 - told


def oversized(path: str, text: str) -> list[str]:
    """What is too long to be read at one sitting."""
    lines = text.count("\n") + 1
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    long = [f"{node.name} has {length(node)} lines" for node in functions if length(node) > LONGEST_FUNCTION]
    return long + ([f"{path} has {lines} lines"] if lines > LONGEST_FILE else [])


WALLS = [transmitting, claiming, networking, impersonating, heavy_numbers, oversized]


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.__name__)
def test_every_source_keeps_the_wall(wall: Callable[[str, str], list[str]]) -> None:
    assert len(SOURCES) > 50
    broken = {path: found for path in SOURCES if (found := wall(path, source(path)))}
    assert broken == {}


TOOL, SKILL = "server/ringback_server/tools/planted.py", "skill/ringback/planted.py"


@pytest.mark.parametrize(
    ("wall", "path", "planted"),
    [
        (transmitting, SKILL, "async def go(carrier, outbound):\n    await carrier.transmit(outbound)\n"),
        (transmitting, TOOL, "send = getattr(telephone._dispatcher._carrier, 'transmit')\n"),
        (transmitting, TOOL, "send = getattr(carrier, 'trans' + 'mit')\n"),
        (transmitting, TOOL, "send = getattr(carrier, f'{\"trans\"}mit')\n"),
        (transmitting, "server/ringback_server/cli.py", "from operator import methodcaller as m; m('transmit')\n"),
        (transmitting, SKILL, "from ringback.carriers.sandbox import transmit as post\n"),
        (transmitting, SKILL, "match carrier:\n    case Sandbox(transmit=post):\n        post()\n"),
        (transmitting, "skill/ringback/telephone.py", "class T:\n    def transmit(self): ...\n"),
        (transmitting, "skill/ringback/telephone.py", "call = vars(type(carrier))['transmit']\n"),
        (claiming, "skill/ringback/telephone.py", "async def f(self):\n    await self._ledger.deliveries.claim('x')\n"),
        (claiming, "server/ringback_server/host.py", "f = getattr(deliveries, 'claim')\n"),
        (networking, SKILL, "import httpx2\n"),
        (networking, SKILL, "def f():\n    from httpx2 import AsyncClient\n"),
        (networking, SKILL, "import importlib\nimportlib.import_module('httpx2')\n"),
        (networking, SKILL, "import urllib.request\n"),
        (networking, SKILL, "from urllib import request\n"),
        (networking, TOOL, "import socket as s\n"),
        (networking, TOOL, "import asyncio\nasyncio.open_connection('carrier.example', 443)\n"),
        (networking, "skill/ringback/carriers/http.py", "import requests\n"),
        (
            networking,
            SKILL,
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import httpx2\n",
        ),
        (impersonating, TOOL, "async def f(opened):\n    return await opened.person.waiting()\n"),
        (impersonating, TOOL, "from ringback.person import Person\n"),
        (impersonating, TOOL, "def f(telephone):\n    return telephone._approvals\n"),
        (impersonating, TOOL, "def f(telephone):\n    return getattr(telephone, '_ledger')\n"),
        (impersonating, "server/ringback_server/host.py", "def f(opened):\n    return opened.person\n"),
        (impersonating, "skill/ringback/telephone.py", "from ringback.person import Person\n"),
        (impersonating, TOOL, "async def f(one):\n    await one.conversations.take_over('x', via='page')\n"),
        (impersonating, TOOL, "f = getattr(opened, 'conversations').give_back\n"),
        (impersonating, TOOL, "from ringback.conversations import Conversations\n"),
        (impersonating, TOOL, "async def f(ledger):\n    await ledger.takeovers.end('x')\n"),
        (impersonating, "server/ringback_server/resources.py", "def f(one):\n    return one.conversations\n"),
        (impersonating, "server/ringback_server/asking.py", "def f(person):\n    return person.conversations.write\n"),
        (impersonating, "server/ringback_server/mcp_app.py", "from ringback import conversations\n"),
        (impersonating, "server/ringback_server/host.py", "import ringback.conversations\n"),
        (impersonating, "skill/ringback/telephone.py", "from ringback.conversations import Conversations\n"),
        (heavy_numbers, SKILL, "from phonenumbers import geocoder\n"),
        (heavy_numbers, SKILL, "import phonenumbers.carrier\n"),
        (oversized, SKILL, "x = 1\n" * 320),
        (oversized, SKILL, "def f():\n" + "    pass\n" * 50),
    ],
)
def test_a_planted_violation_is_found(wall: Callable[[str, str], list[str]], path: str, planted: str) -> None:
    assert wall(path, planted)


@pytest.mark.parametrize(
    ("wall", "path", "innocent"),
    [
        (transmitting, SKILL, '"""Only dispatch may call `transmit`."""\n'),
        (transmitting, "skill/ringback/carriers/new.py", "class New:\n    async def transmit(self, outbound): ...\n"),
        (networking, SKILL, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import httpx2\n"),
        (networking, SKILL, "from urllib.parse import quote\n"),
        (claiming, SKILL, "print('the claim is that')\n"),
        (oversized, SKILL, "def f():\n" + "    pass\n" * 49),
    ],
)
def test_what_keeps_the_wall_is_not_accused(wall: Callable[[str, str], list[str]], path: str, innocent: str) -> None:
    assert wall(path, innocent) == []


def test_every_exception_from_a_wall_is_still_used() -> None:
    for path, allowed in NETWORK_ALLOWED.items():
        modules = list(imported(ast.parse(source(path))))
        assert all(any(module == each or module.startswith(f"{each}.") for module in modules) for each in allowed), path
    assert all((ROOT / path).exists() for path in PERSON_ALLOWED)


LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def test_imports_go_down_only() -> None:
    # In a process of its own, because it puts the current folder on the path.
    told = subprocess.run([sys.executable, "-c", LINT], capture_output=True, text=True, check=False, cwd=ROOT)
    assert told.returncode == 0, told.stdout
    assert " 0 broken" in told.stdout
    assert int(told.stdout.split("Contracts: ")[1].split()[0]) >= 6


MODULES_AFTER = "import sys, json; import ringback; json.dump(sorted(sys.modules), sys.stdout)"
HEAVY = {"mcp", "starlette", "uvicorn", "click", "httpx2", "phonenumbers", "cryptography", "pydantic", "asyncio"}
HEAVY |= {"pydantic_settings", "stamina", "sqlite3", "jinja2", "sse_starlette", "tzdata"}


def test_importing_ringback_alone_loads_next_to_nothing() -> None:
    told = subprocess.run([sys.executable, "-c", MODULES_AFTER], capture_output=True, text=True, check=True, cwd=ROOT)
    modules = set(json.loads(told.stdout))
    assert "ringback" in modules
    assert {module for module in modules if module.partition(".")[0] in HEAVY} == set()
    assert {module for module in modules if module.startswith("ringback")} == {"ringback"}


def test_every_public_name_of_ringback_can_be_had() -> None:
    import ringback

    for name in ringback.__all__:
        assert getattr(ringback, name) is not None
    with pytest.raises(AttributeError):
        ringback.no_such_name  # noqa: B018 - the access is what is tried
