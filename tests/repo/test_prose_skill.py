import re
import shutil
import subprocess
import sys
from pathlib import Path

import ringback_prompts

ROOT = Path(__file__).resolve().parents[2]
SKILL = ROOT / "SKILL.md"
AGENTSKILLS = Path(sys.executable).parent / "agentskills"


def _validate(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AGENTSKILLS, "validate", folder], capture_output=True, text=True, check=False)


def _copy(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(SKILL, folder)
    shutil.copytree(ROOT / "prompts", folder / "prompts")
    return folder


def test_the_skill_is_valid_in_a_folder_of_its_name(tmp_path: Path) -> None:
    done = _validate(_copy(tmp_path / "ringback"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_validator_is_not_asleep(tmp_path: Path) -> None:
    done = _validate(_copy(tmp_path / "telephone"))
    assert done.returncode != 0
    assert "must match skill name 'ringback'" in done.stdout + done.stderr


def test_the_skill_is_short() -> None:
    assert len(SKILL.read_text(encoding="utf-8").splitlines()) < 130


def test_the_skill_links_every_page_of_guidance_and_nothing_else() -> None:
    links = re.findall(r"\]\(([^)]+)\)", SKILL.read_text(encoding="utf-8"))
    assert links == [f"prompts/ringback_prompts/{page.name}.md" for page in ringback_prompts.PAGES]


def test_every_exit_code_of_the_command_is_told() -> None:
    rows = re.findall(r"^\| (\d) \|", SKILL.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == ["0", "2", "3", "4", "5", "6", "7", "8", "9"]
