"""A trigger's definition: what a person lets other programs send, in which words, where to, when, and how often.

It is a person's standing approval, so it is read strictly: nothing in it is guessed, and nothing is left open but the
variables that it names. docs/triggers.md tells the file's form.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import InvalidRequest, Refused
from ringback.model.moment import iso
from ringback.model.opening_hours import ALL_DAY_MIN, next_inside
from ringback.model.outbound import Channel
from ringback.model.text import has_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringback.model.outbound import Outbound

VALUE_LIMIT: Final = 200
"""Characters of one variable's value."""
LARGEST_LIMIT: Final = 10_000
REMIND: Final = "remind"
"""The caller that stands for the command `ringback remind` on this machine."""
OWN_FIELDS: Final = frozenset({"phone", "key", "send_at"})
"""What a request has beside its variables; no variable can be called so."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_DIGITS: Final = re.compile(r"[0-9]{5}")
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")
_HOURS: Final = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_JOINERS: Final = frozenset("\u200c\u200d")
_HINT: Final = "Correct the file and apply it again; see docs/triggers.md. Nothing was applied."


@dataclass(frozen=True, slots=True)
class Definition:
    """One trigger as a person defined it. Neither template nor media is in `repr`."""

    name: str
    channel: Channel
    template: str = field(repr=False)
    countries: tuple[str, ...]
    """ISO 3166 codes of the countries whose numbers are allowed."""
    hours: str
    """`HH:MM-HH:MM` by the recipient's own clock."""
    limit_per_day: int
    """How many may go out on one day, in UTC."""
    callers: tuple[str, ...]
    """Who may have a secret for it; `remind` is the command of that name."""
    carrier: str | None = None
    """The carrier; `None` in a file means the one in force when it is applied."""
    media_url: str | None = field(default=None, repr=False)
    links: bool = False
    """Whether a variable may hold a web address."""
    urgent: bool = False
    """Whether its calls go before others, where the carrier knows that."""

    def as_dict(self) -> dict[str, Any]:
        """The definition as JSON-ready values."""
        return asdict(self)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the template, each once, in order."""
        return tuple(dict.fromkeys(_VARIABLE.findall(self.template)))

    def text(self, given: Mapping[str, object]) -> str:
        """The finished text.

        Raises:
            InvalidRequest: a variable is missing, unknown, or of a value that is not taken.
        """
        missing, unknown = set(self.variables) - set(given), set(given) - set(self.variables)
        if missing or unknown:
            what = f"lacks {', '.join(sorted(missing))}" if missing else f"has {len(unknown)} that it does not know"
            raise InvalidRequest(
                f"The trigger's template {what}.",
                hint=f"Give exactly these variables: {', '.join(self.variables) or 'none'}.",
            )
        values = {name: _value(name, given[name], links=self.links) for name in self.variables}
        return _VARIABLE.sub(lambda found: values[found[1]], self.template)

    @property
    def minutes(self) -> tuple[int, int]:
        """Begin and end of the hours, in minutes of the day."""
        found = _HOURS.fullmatch(self.hours)
        assert found is not None
        begin_h, begin_m, end_h, end_m = (int(part) for part in found.groups())
        return begin_h * 60 + begin_m, end_h * 60 + end_m


def _value(name: str, value: object, *, links: bool) -> str:
    """A variable's value as it goes into the text. The error names the variable and never repeats the value."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidRequest(f"The variable {name} is neither a text nor a number.", hint="Give a text or a number.")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"The variable {name} is no finite number.", hint="Give a text or a number.")
    if isinstance(value, int) and value.bit_length() > 64:  # noqa: PLR2004 - longer ones may not even be written out
        raise InvalidRequest(f"The variable {name} is too large a number.", hint="Give it as a text.")
    text = str(value)
    if not text.strip() or len(text) > VALUE_LIMIT:
        raise InvalidRequest(
            f"The variable {name} is empty or has more than {VALUE_LIMIT} characters.", hint="Shorten it, or give it."
        )
    if any(_steers(char) for char in text):
        raise InvalidRequest(f"The variable {name} has control characters in it.", hint="Give plain text on one line.")
    if not links and has_link(text):
        raise InvalidRequest(
            f"The variable {name} holds a web address, which this trigger does not let in.",
            hint="Leave it out. The person who defines the trigger can set links = true.",
        )
    return text


def _steers(char: str) -> bool:
    category = unicodedata.category(char)
    return (category[0] == "C" or category in {"Zl", "Zp"}) and char not in _JOINERS


def objection(definition: Definition, outbound: Outbound, *, at: float) -> Refused | None:
    """Why a definition does not stand for an outbound that goes out at `at`, in Unix seconds; `None` where it does."""
    if (definition.channel, definition.carrier) != (outbound.channel, outbound.carrier):
        return Refused(
            "trigger_changed",
            "The trigger was applied for another channel or carrier since.",
            hint="Tell the person who defines it.",
        )
    if outbound.to.region not in definition.countries:
        return Refused(
            "trigger_country",
            "The number belongs to none of the countries that this trigger allows.",
            hint="The person can add the country to the trigger's file.",
        )
    then = max(at, outbound.send_at or 0.0)
    allowed = next_inside(definition.minutes, outbound.to, then)
    if allowed == then:
        return None
    if allowed is None:
        return Refused(
            "trigger_hours",
            "It is not known what time it is where this number is, or its zones share none of the allowed hours.",
            hint="A number of no known time zone is never allowed. Tell the person.",
        )
    return Refused(
        "trigger_hours",
        f"It would go out outside {definition.hours}, the recipient's own time. The next such time is {iso(allowed)}.",
        hint="Give that time as send_at, or come again then.",
        retry_at=allowed,
    )


def is_name(text: str) -> bool:
    """Whether a text can name a trigger or a caller: it is kept in plain, so it may hold nothing like a number."""
    return bool(_NAME.fullmatch(text)) and not _DIGITS.search(text)


def read_definitions(text: str) -> tuple[Definition, ...]:
    """The definitions in a TOML file, one table each.

    Raises:
        InvalidRequest: the file, or one of them, is not in the documented form; nothing of it counts then.
    """
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"The file is no TOML: {error}.", hint=_HINT) from None
    if not tables:
        raise InvalidRequest("The file defines no trigger.", hint=_HINT)
    return tuple(_definition(name, table) for name, table in tables.items())


def _definition(name: str, table: Any) -> Definition:
    if not is_name(name) or not isinstance(table, dict):
        raise InvalidRequest("A trigger is a table whose name has lower-case letters, few digits, - and _.", hint=_HINT)
    known = {item.name for item in fields(Definition)} - {"name"}
    needed = known - {"carrier", "media_url", "links", "urgent"}
    if unknown := set(table) - known:
        raise InvalidRequest(
            f"Trigger {name} has entries that are not known: {', '.join(sorted(unknown))}.", hint=_HINT
        )
    if missing := needed - set(table):
        raise InvalidRequest(f"Trigger {name} lacks: {', '.join(sorted(missing))}.", hint=_HINT)
    return restored({"name": name, **table})


def restored(values: Mapping[str, Any]) -> Definition:
    """A definition from its values, each of them checked.

    Raises:
        InvalidRequest: one of them is not in the documented form.
    """
    name = values["name"]
    broken = next((entry for entry, holds in _CHECKS.items() if not holds(values.get(entry), values)), None)
    if broken is not None:
        raise InvalidRequest(f"Trigger {name}: {_WORDS[broken]}", hint=_HINT)
    return Definition(
        name=name,
        channel=Channel(values["channel"]),
        template=values["template"],
        countries=tuple(values["countries"]),
        hours=values["hours"],
        limit_per_day=values["limit_per_day"],
        callers=tuple(values["callers"]),
        carrier=values.get("carrier"),
        media_url=values.get("media_url"),
        links=values.get("links", False),
        urgent=values.get("urgent", False),
    )


def _is_channel(value: Any, _: Mapping[str, Any]) -> bool:
    return isinstance(value, str) and value in set(Channel)


def _is_template(value: Any, _: Mapping[str, Any]) -> bool:
    if not isinstance(value, str) or not value.strip():
        return False
    literal = _VARIABLE.sub("", value)
    return not set(literal) & set("{}") and not set(_VARIABLE.findall(value)) & OWN_FIELDS


def _is_countries(value: Any, _: Mapping[str, Any]) -> bool:
    from phonenumbers import SUPPORTED_REGIONS

    return isinstance(value, list | tuple) and bool(value) and all(one in SUPPORTED_REGIONS for one in map(str, value))


def _is_hours(value: Any, _: Mapping[str, Any]) -> bool:
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return False
    begin_h, begin_m, end_h, end_m = (int(part) for part in found.groups())
    return begin_h * 60 + begin_m < end_h * 60 + end_m <= ALL_DAY_MIN


def _is_limit(value: Any, _: Mapping[str, Any]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_LIMIT


def _is_callers(value: Any, _: Mapping[str, Any]) -> bool:
    return (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(one, str) and is_name(one) for one in value)
    )


def _is_carrier(value: Any, _: Mapping[str, Any]) -> bool:
    return value is None or (isinstance(value, str) and is_name(value))


def _is_media(value: Any, values: Mapping[str, Any]) -> bool:
    return isinstance(value, str) if values.get("channel") == Channel.MMS else value is None


def _is_links(value: Any, _: Mapping[str, Any]) -> bool:
    return value is None or isinstance(value, bool)


def _is_urgent(value: Any, values: Mapping[str, Any]) -> bool:
    return value is None or value is False or (value is True and values.get("channel") == Channel.VOICE)


_CHECKS: Final = {
    "channel": _is_channel,
    "template": _is_template,
    "countries": _is_countries,
    "hours": _is_hours,
    "limit_per_day": _is_limit,
    "callers": _is_callers,
    "carrier": _is_carrier,
    "media_url": _is_media,
    "links": _is_links,
    "urgent": _is_urgent,
}
_WORDS: Final = {
    "channel": "channel is one of sms, mms, voice.",
    "template": "template is a text; in braces stand variables alone, such as {date}, and none is called phone, key "
    "or send_at.",
    "countries": 'countries is a list of ISO 3166 codes, such as ["US", "DE"].',
    "hours": 'hours is a text such as "09:00-20:00", the end after the begin.',
    "limit_per_day": f"limit_per_day is a whole number from 1 to {LARGEST_LIMIT}.",
    "callers": 'callers is a list of names in lower case, such as ["crm", "remind"].',
    "carrier": "carrier is the name of a carrier.",
    "media_url": "media_url is one https:// address for the channel mms, and left out for the others.",
    "links": "links is true or false.",
    "urgent": "urgent is true or false, and true for the channel voice alone.",
}
