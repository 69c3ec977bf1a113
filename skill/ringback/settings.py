"""What an installation is told from outside, as one frozen, typed object.

Every setting is an environment variable `RINGBACK_<NAME>`; a carrier's own credentials keep the
names that the carrier documents. Nothing that a tool can write is read here.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ringback.errors import ConfigurationError, InvalidRequest
from ringback.model.hours import read_window
from ringback.model.limits import read_budget, read_bulk, read_limits
from ringback.model.voice import OPENING, check_caller, check_opening

if TYPE_CHECKING:
    from collections.abc import Callable


class ApprovalFloor(StrEnum):
    """The least way of asking a person that counts as consent."""

    CLIENT = "client"
    PAGE = "page"
    PASSKEY = "passkey"


def _default_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("ringback", appauthor=False)


def _documented(name: str, default: Any = None) -> Any:
    """A field under the name that the service itself documents."""
    return Field(default=default, validation_alias=AliasChoices(name, name.lower()))


def read_countries(text: str) -> frozenset[str] | None:
    """The regions in a setting; `None` for all.

    Raises:
        InvalidRequest: one of them is no ISO 3166 code.
    """
    if text.strip().lower() == "all":
        return None
    codes = frozenset(part.strip().upper() for part in text.split(",") if part.strip())
    if not codes or not all(len(code) == _CODE_LETTERS and code.isascii() and code.isalpha() for code in codes):
        raise InvalidRequest("Countries are ISO 3166 codes of two letters, or all.", hint="For example: US,CA")
    return codes


_CODE_LETTERS: Final = 2
_READERS: Final[dict[str, Callable[[str], object]]] = {
    "hours": read_window,
    "limits": read_limits,
    "budget": read_budget,
    "bulk": read_bulk,
    "countries": read_countries,
    "caller_name": check_caller,
    "call_opening": check_opening,
}


class Settings(BaseSettings):
    """The settings of one installation; secrets are masked in `repr`."""

    model_config = SettingsConfigDict(
        env_prefix="RINGBACK_", frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    home: Path = Field(default_factory=_default_home)
    """Where ledger, key and sandbox live."""
    carrier: str | None = None
    """Which carrier moves what: one, or some by channel (`teli,voice=thoughtly`). Else ThinkFleetBot or the sandbox."""
    approval: ApprovalFloor = ApprovalFloor.CLIENT
    """The least level of approval that counts."""
    key: SecretStr | None = None
    """The master key, 32 bytes in base64; without it the key file is used."""
    key_file: Path | None = None
    """The key file; by default `key` in the home folder."""
    sandbox_port: int = Field(default=8422, ge=0, le=65535)
    """The preferred port of the sandbox's handset; 0 takes any."""
    console_port: int = Field(default=8424, ge=0, le=65535)
    """The preferred port of the console page; 0 takes any."""
    connect_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Seconds to wait for a connection to the carrier."""
    retention_days: int = Field(default=30, ge=1, le=3650)
    """After so many days numbers and texts of what has ended are erased."""
    schedule_grace_s: float = Field(default=900.0, ge=60, le=86_400)
    """By how many seconds a scheduled send may be late; after that it is not sent, and told."""
    serve_port: int = Field(default=8426, ge=0, le=65535)
    """The port on which `ringback serve` takes the carriers' callbacks; 0 takes any."""
    public_url: str | None = None
    """The public https:// address that leads to `ringback serve`, where there is one."""
    read_timeout_s: Annotated[float, Field(gt=0, le=120)] = 20.0
    """Seconds to wait for each part of the carrier's answer."""
    saas_api_url: str | None = Field(default=None, validation_alias=AliasChoices("SAAS_API_URL", "saas_api_url"))
    """ThinkFleetBot: the base URL of its API."""
    saas_api_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("SAAS_API_KEY", "saas_api_key"))
    """ThinkFleetBot: the agent's bearer key."""

    thoughtly_api_url: str = _documented("THOUGHTLY_API_URL", "https://api.thoughtly.com")
    """Thoughtly: the base URL of its API."""
    thoughtly_api_token: SecretStr | None = _documented("THOUGHTLY_API_TOKEN")
    """Thoughtly: the API token."""
    thoughtly_team_id: str | None = _documented("THOUGHTLY_TEAM_ID")
    """Thoughtly: the team."""
    thoughtly_agent_id: str | None = _documented("THOUGHTLY_AGENT_ID")
    """Thoughtly: the voice agent that calls."""
    thoughtly_automation_id: SecretStr | None = _documented("THOUGHTLY_AUTOMATION_ID")
    """Thoughtly: an automation whose webhook starts the calls, in place of the API."""
    teli_api_url: str = _documented("TELI_API_URL", "https://api.teli.ai")
    """Teli: the base URL of its API."""
    teli_api_key: SecretStr | None = _documented("TELI_API_KEY")
    """Teli: the API key."""
    teli_campaign_id: str | None = _documented("TELI_CAMPAIGN_ID")
    """Teli: the campaign that the contacts are in."""
    twilio_api_url: str = _documented("TWILIO_API_URL", "https://api.twilio.com")
    """Twilio: the base URL of its API."""
    twilio_account_sid: str | None = _documented("TWILIO_ACCOUNT_SID")
    """Twilio: the account."""
    twilio_auth_token: SecretStr | None = _documented("TWILIO_AUTH_TOKEN")
    """Twilio: the account's token; it signs callbacks, too."""
    twilio_from_number: str | None = _documented("TWILIO_FROM_NUMBER")
    """Twilio: the agent's own number."""
    twilio_messaging_service_sid: str | None = _documented("TWILIO_MESSAGING_SERVICE_SID")
    """Twilio: a messaging service that texts go by, in place of the number."""
    thinnestai_api_url: str = _documented("THINNESTAI_API_URL", "https://api.thinnest.ai")
    """thinnest.ai: the base URL of its API."""
    thinnestai_api_key: SecretStr | None = _documented("THINNESTAI_API_KEY")
    """thinnest.ai: the API key."""
    thinnestai_agent_id: str | None = _documented("THINNESTAI_AGENT_ID")
    """thinnest.ai: the voice agent whose text tool is set up."""
    custom_url: str | None = None
    """Custom endpoint: the https:// URL that takes a text."""
    custom_headers: SecretStr | None = None
    """Custom endpoint: headers as a JSON object, such as an Authorization."""
    custom_body: str = '{"to": "{to}", "message": "{message}"}'
    """Custom endpoint: the JSON body, with {to} and {message} inside its texts."""
    custom_private: bool = False
    """Custom endpoint: whether it may be on this machine or in a private network."""

    hours: str = "08:00-21:00"
    """Between which hours of the recipient's day anything goes out; `off` for at any time."""
    hours_presets: Path | None = None
    """The operator's own file of stricter hours by area code, in place of the one for the US states."""
    countries: str | None = None
    """The countries that may be reached, as ISO 3166 codes (`US,CA`), or `all`; by default the line's own."""
    limits: str = (
        "recipient=10/hour, recipient=30/day, sms=60/hour, mms=30/hour, voice=30/hour, all=100/hour, all=500/day"
    )
    """How much may go out; `off` for any amount."""
    budget: str = "off"
    """How much money may be spent by the price table, such as `5 USD/day, 50 USD/month`."""
    bulk: str = "3/hour"
    """The same text to more people than this in this time needs a person's yes to the whole list; `off` for never."""
    sandbox_rules: bool = False
    """Whether hours, countries, limits, budget and bulk also count on the sandbox, where nobody's phone rings."""
    caller_name: str | None = None
    """On whose behalf calls are made: every call says so first."""
    call_opening: str = OPENING
    """What every call says first, with {caller} and {opt_out}."""
    redact_inbound: bool = True
    """Whether codes, card numbers and the like are taken out of what people write before a model reads it."""

    @field_validator("hours", "limits", "budget", "bulk", "countries", "caller_name", "call_opening")
    @classmethod
    def _readable(cls, value: str | None, info: ValidationInfo) -> str | None:
        """See that a rule can be read, so that none is in force in another sense than it was written."""
        reader = _READERS[info.field_name or ""]
        try:
            if value is not None:
                reader(value)
        except InvalidRequest as error:
            raise ValueError(f"{error.message} {error.hint}") from None
        return value

    @field_validator("home", "key_file", "hours_presets")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return value and value.expanduser().absolute()

    @property
    def carrier_name(self) -> str:
        """The carrier in force."""
        if self.carrier:
            return self.carrier
        return "thinkfleetbot" if self.saas_api_url or self.saas_api_key else "sandbox"

    @property
    def key_path(self) -> Path:
        """Where the key file lies."""
        return self.key_file or self.home / "key"

    @property
    def ledger_path(self) -> Path:
        """Where the ledger lies."""
        return self.home / "ledger.db"

    @property
    def prices_path(self) -> Path:
        """Where the operator's own prices are."""
        return self.home / "prices.toml"

    @property
    def templates_path(self) -> Path:
        """Where the person writes templates."""
        return self.home / "templates.toml"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        ConfigurationError: a value is of the wrong kind; it names the settings and does not repeat their values.
    """
    try:
        return Settings()
    except ValidationError as error:
        names = ", ".join(sorted({str(item["loc"][0]) for item in error.errors() if item["loc"]}))
        problems = "; ".join(sorted({item["msg"] for item in error.errors()}))
        raise ConfigurationError(f"These settings cannot be read: {names}.", hint=problems) from None
