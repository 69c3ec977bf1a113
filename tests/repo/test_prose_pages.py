import re
import subprocess
import sys
from importlib.resources import files

import pytest

import ringback_prompts
from ringback.model.status import Status

PAGE_NAMES = [page.name for page in ringback_prompts.PAGES]
PROMPT_NAMES = [prompt.name for prompt in ringback_prompts.PROMPTS]
GIVEN = {
    "text-someone": {"to": "+12025550123", "message": "Running late"},
    "call-with-menu": {"to": "+12025550123", "purpose": "Appointment", "choices": "1 confirm"},
    "what-is-waiting": {},
}


def _markdown_stems() -> set[str]:
    names = (entry.name for entry in files(ringback_prompts).iterdir())
    return {name.removesuffix(".md") for name in names if name.endswith(".md")}


def _placeholders(name: str) -> set[str]:
    text = files(ringback_prompts).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return set(re.findall(r"\{([^{}]*)\}", text))


def _states_told(page: str) -> set[str]:
    table = ringback_prompts.read_page(page).partition("\n| status |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|", table, re.MULTILINE)
    return {state for row in rows for state in re.findall(r"`([a-z_]+)`", row)}


@pytest.mark.parametrize("page", ringback_prompts.PAGES, ids=PAGE_NAMES)
def test_a_page_opens_with_its_title_and_ends_without_blank_lines(page: ringback_prompts.Page) -> None:
    text = ringback_prompts.read_page(page.name)
    assert text.startswith(f"# {page.title}\n")
    assert text == text.strip()
    assert page.description.endswith(".")


def test_every_markdown_file_is_a_page_a_prompt_or_the_instructions() -> None:
    assert _markdown_stems() == {*PAGE_NAMES, *PROMPT_NAMES, "instructions"}


@pytest.mark.parametrize("name", ["", "nothing", "instructions", "text-someone", "../ringback_prompts/overview"])
def test_a_page_that_is_not_listed_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(ValueError, match=r"overview, confirming-recipients, .*privacy"):
        ringback_prompts.read_page(name)


def test_the_instructions_fit_into_every_context() -> None:
    # 147 tokens by o200k when written; English runs at four to five characters a token.
    assert len(ringback_prompts.instructions()) <= 660


def test_the_instructions_name_the_check_and_a_page_that_exists() -> None:
    text = ringback_prompts.instructions()
    assert "`check-telephony`" in text
    assert set(re.findall(r"ringback://guide/([a-z-]+)", text)) <= set(PAGE_NAMES)


def test_the_status_page_tells_every_state_that_an_outbound_can_have() -> None:
    assert _states_told("checking-status") == {state.value for state in Status}


def test_the_overview_tells_only_states_that_exist() -> None:
    told = _states_told("overview")
    assert "unknown" in told
    assert told <= {state.value for state in Status}


@pytest.mark.parametrize("prompt", ringback_prompts.PROMPTS, ids=PROMPT_NAMES)
def test_a_template_has_exactly_the_placeholders_that_it_declares(prompt: ringback_prompts.PromptTemplate) -> None:
    assert _placeholders(prompt.name) == {argument.name for argument in prompt.arguments}


@pytest.mark.parametrize("name", PROMPT_NAMES)
def test_a_rendered_prompt_carries_the_values_and_no_braces(name: str) -> None:
    text = ringback_prompts.render_prompt(name, GIVEN[name])
    assert all(value in text for value in GIVEN[name].values())
    assert not set(text) & set("{}")


def test_an_optional_value_that_is_not_given_reads_none() -> None:
    assert "\nPicture: none\n" in ringback_prompts.render_prompt("text-someone", GIVEN["text-someone"])


@pytest.mark.parametrize("value", ["{to}", "{message.__class__}", "{0}", "{{", r"\1 \g<0>", "%s", "$to"])
def test_a_value_is_put_in_as_it_is(value: str) -> None:
    text = ringback_prompts.render_prompt("text-someone", {"to": "+12025550123", "message": value})
    assert f"\nMessage: {value}\n" in text


def test_an_unknown_prompt_is_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match=r"'overview'.*text-someone, call-with-menu, what-is-waiting"):
        ringback_prompts.render_prompt("overview", {})


def test_an_unknown_argument_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no argument urgency\. It takes: to, message, picture"):
        ringback_prompts.render_prompt("text-someone", {**GIVEN["text-someone"], "urgency": "high"})
    with pytest.raises(ValueError, match=r"no argument to\. It takes none"):
        ringback_prompts.render_prompt("what-is-waiting", {"to": "+12025550123"})


@pytest.mark.parametrize("blank", [None, "", "  \n"])
def test_a_required_value_that_is_missing_or_blank_is_refused_by_name(blank: str | None) -> None:
    given = {"to": "+12025550123"} if blank is None else {"to": "+12025550123", "message": blank}
    with pytest.raises(ValueError, match="needs a value for message"):
        ringback_prompts.render_prompt("text-someone", given)


def test_importing_the_guidance_reads_no_file_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; import re, typing, collections.abc; before = set(sys.modules); import ringback_prompts; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ringback_prompts"]
