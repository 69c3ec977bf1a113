"""What is built: the wheel by way of the source archive, as an installer gets it."""

import email
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import ringback

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "ringback": ROOT / "skill/ringback",
    "ringback_server": ROOT / "server/ringback_server",
    "ringback_sandbox": ROOT / "server/ringback_sandbox",
    "ringback_prompts": ROOT / "prompts/ringback_prompts",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BUILT = f"ringback-{PROJECT['version']}"
NOT_PART_OF_IT = ("__pycache__", "*.pyc", ".*_cache", ".venv", ".git", ".ci", "node_modules", "build", "dist")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the archive and the wheel, built from a copy that holds litter as a work tree does."""
    folder = tmp_path_factory.mktemp("build")
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*NOT_PART_OF_IT, ".hypothesis"))
    for package in PACKAGES.values():
        litter = tree / package.relative_to(ROOT) / "__pycache__" / "litter.cpython-311.pyc"
        litter.parent.mkdir()
        litter.write_bytes(b"")
    (tree / ".venv").mkdir()
    (tree / ".venv" / "litter.py").write_text("")
    # Where the backend is installed nothing has to be fetched.
    isolation = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []
    command = [sys.executable, "-m", "build", *isolation, "--outdir", str(folder / "dist"), str(tree)]
    build = subprocess.run(command, capture_output=True, text=True, check=False)
    assert build.returncode == 0, build.stdout + build.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    """The wheel's files by name."""
    with zipfile.ZipFile(built / f"{BUILT}-py3-none-any.whl") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sources() -> set[str]:
    return {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_four_packages_and_nothing_else(wheel: dict[str, bytes]) -> None:
    meta = {
        f"{BUILT}.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }
    assert set(wheel) == sources() | meta


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_tells_type_checkers_that_it_is_typed(wheel: dict[str, bytes], package: str) -> None:
    assert f"{package}/py.typed" in wheel


@pytest.mark.parametrize(
    "needed",
    [
        r"ringback/ledger/migrations/0001_\w+\.sql",
        r"ringback/ledger/queries\.sql",
        r"ringback_prompts/instructions\.md",
        r"ringback_sandbox/schema\.sql",
        r"ringback_sandbox/static/\w+\.js",
        r"ringback_sandbox/static/\w+\.css",
        r"ringback_server/console/templates/\w+\.html",
        r"ringback_server/console/static/\w+\.css",
    ],
)
def test_what_is_read_at_run_time_is_in_the_wheel(wheel: dict[str, bytes], needed: str) -> None:
    assert [name for name in wheel if re.fullmatch(needed, name)]


def test_no_package_holds_a_kind_of_file_that_nothing_reads() -> None:
    kinds = {Path(name).suffix or Path(name).name for name in sources()}
    assert kinds <= {".toml", ".py", ".typed", ".sql", ".md", ".html", ".css", ".js", ".svg", ".png"}


def test_the_version_is_the_same_everywhere(wheel: dict[str, bytes]) -> None:
    meta = email.message_from_bytes(wheel[f"{BUILT}.dist-info/METADATA"])
    told = {PROJECT["version"], ringback.__version__, importlib.metadata.version("ringback"), meta["Version"]}
    assert told == {ringback.__version__}


def test_the_core_needs_no_mcp_and_the_extra_brings_it(wheel: dict[str, bytes]) -> None:
    meta = email.message_from_bytes(wheel[f"{BUILT}.dist-info/METADATA"])
    needed = [requirement for requirement in meta.get_all("Requires-Dist") if re.match(r"mcp\b", requirement)]
    assert any("extra == 'mcp'" in requirement for requirement in needed)
    assert all("extra ==" in requirement for requirement in needed)
    assert meta["License-Expression"] == "MIT"


def test_the_command_is_installed(wheel: dict[str, bytes]) -> None:
    assert b"ringback = ringback_server.cli:main" in wheel[f"{BUILT}.dist-info/entry_points.txt"]


def test_the_source_archive_holds_what_is_needed_to_build_and_test_and_no_litter(built: Path) -> None:
    with tarfile.open(built / f"{BUILT}.tar.gz") as archive:
        names = {name.removeprefix(f"{BUILT}/") for name in archive.getnames()}
    assert {"pyproject.toml", "Makefile", "README.md", "SKILL.md", "LICENSE", "tests/conftest.py"} <= names
    assert not [name for name in names if "litter" in name or name.startswith((".venv", ".ci"))]
