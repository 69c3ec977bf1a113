"""Templates: strict variables, a file that is read at each use, and nothing broken that spoils the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import TO, YES

from ringback.adapters.native import tools
from ringback.errors import InvalidRequest
from ringback.templates import Templates
from ringback_server import doctor

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeCarrier

    from ringback.opening import Ringback

FILE = """
booking = "Confirmed for {date} at {time}. {date} it is."
plain = "We are on our way."
"""


@pytest.fixture
def templates(ringback: Ringback) -> Path:
    path = ringback.settings.templates_path
    path.write_text(FILE)
    return path


@pytest.mark.usefixtures("templates")
async def test_what_is_shown_stored_and_sent_is_the_finished_text(ringback: Ringback, carrier: FakeCarrier) -> None:
    values = {"date": "{time}", "time": "2 \\1 PM"}
    waiting = await ringback.telephone.send_sms(TO, template="booking", variables=values)
    finished = "Confirmed for {time} at 2 \\1 PM. {time} it is."
    assert (await ringback.person.question(waiting.id)).text == finished
    await ringback.person.answer(waiting.id, YES)
    assert [sent.text for sent in carrier.sent] == [finished]


@pytest.mark.usefixtures("templates")
async def test_a_template_without_variables_needs_none(ringback: Ringback) -> None:
    waiting = await ringback.telephone.send_sms(TO, template="plain")
    assert (await ringback.person.question(waiting.id)).text == "We are on our way."


@pytest.mark.usefixtures("templates")
@pytest.mark.parametrize(
    ("template", "variables"),
    [
        ("nothing", {}),
        ("booking", None),
        ("booking", {"date": "May 5"}),
        ("booking", {"date": "May 5", "time": "2", "more": "secret-value"}),
        ("booking", {"date": "May 5", "time": 2}),
        ("booking", {"date": "May 5", "time": " "}),
        ("booking", {"date": "May 5", "time": "2\nsecret-value"}),
        ("booking", {"date": "May 5", "time": "\u202e2"}),
        ("booking", {"date": "May 5", "time": "2" * 501}),
        ("booking", {"date": "May 5", "time": "\ud800"}),
    ],
)
async def test_what_does_not_fit_a_template_is_refused_and_stored_nowhere(
    ringback: Ringback, template: str, variables: dict[str, object] | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await ringback.telephone.send_sms(TO, template=template, variables=variables)
    assert "secret-value" not in str(refused.value)
    assert (await ringback.telephone.history()).items == ()


@pytest.mark.usefixtures("templates")
@pytest.mark.parametrize(
    "given",
    [
        {"to": TO},
        {"to": TO, "body": "Hi", "template": "plain"},
        {"to": TO, "body": "Hi", "variables": {}},
        {"to": TO, "variables": {}},
        {"body": "Hi"},
        {"to": TO, "call_id": "ob_1", "body": "Hi"},
    ],
)
async def test_exactly_one_of_each_two_is_needed(ringback: Ringback, given: dict[str, object]) -> None:
    send = next(tool for tool in tools(ringback.telephone) if tool.name == "send-sms")
    assert (await send.call(given))["error"]["code"] == "invalid_request"
    assert (await ringback.telephone.history()).items == ()


@pytest.mark.usefixtures("templates")
async def test_a_model_learns_names_and_variables_but_no_text(ringback: Ringback) -> None:
    told = (await ringback.telephone.check()).as_dict()
    assert told["templates"] == (
        {"name": "booking", "variables": ["date", "time"]},
        {"name": "plain", "variables": []},
    )
    assert "Confirmed" not in json.dumps(told)


async def test_without_a_file_nothing_is_listed(ringback: Ringback) -> None:
    assert "templates" not in (await ringback.telephone.check()).as_dict()


async def test_the_file_is_read_at_each_use(ringback: Ringback, templates: Path) -> None:
    await ringback.telephone.send_sms(TO, template="plain")
    templates.write_text('other = "Something else."')  # noqa: ASYNC240 - one small file
    with pytest.raises(InvalidRequest):
        await ringback.telephone.send_sms(TO, template="plain")
    await ringback.telephone.send_sms(TO, template="other")


BROKEN = {
    'ok = "Fine."\nbrace = "{ date }"': "brace",
    'ok = "Fine."\nopen = "{date"': "open",
    'ok = "Fine."\nescape = "{{date}}"': "escape",
    'ok = "Fine."\nlist = ["x"]': "list",
    'ok = "Fine."\nblank = "  "': "blank",
    'ok = "Fine."\n"1 2" = "x"': "name",
    f'ok = "Fine."\nlong = "{"x" * 1601}"': "long",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_entry_is_told_and_spoils_no_other(tmp_path: Path, text: str) -> None:
    path = tmp_path / "templates.toml"
    path.write_text(text)
    found = Templates(path)
    assert [each.name for each in found.usable()] == ["ok"]
    assert len(found.problems()) == 1
    assert BROKEN[text] in found.problems()[0]


@pytest.mark.parametrize("data", [b"x = ", b"\xff\xfe", b"# " + b"x" * 300_000])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "templates.toml"
    path.write_bytes(data)
    assert Templates(path).usable() == []
    assert len(Templates(path).problems()) == 1


def test_the_doctor_tells_of_broken_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "templates.toml").write_text('ok = "Fine."\nwrong = "{"')
    monkeypatch.setenv("RINGBACK_HOME", str(tmp_path))
    monkeypatch.setenv("RINGBACK_CARRIER", "thinkfleetbot")
    found = doctor.diagnose()
    assert found.facts["templates"] == {"usable": 1}
    assert any("Template wrong" in warning for warning in found.warnings)
