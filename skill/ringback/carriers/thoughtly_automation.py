"""Thoughtly's second way to start a call: the webhook of an automation that a person set up there."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ringback.carriers.thoughtly_calls import data_of
from ringback.model.outbound import Acceptance, Outbound
from ringback.model.status import Status

if TYPE_CHECKING:
    from pydantic import SecretStr

    from ringback.carriers.http import CarrierHttp

_PATH: Final = re.compile(r"(/webhook/automation/)[^\s\"'?#]+")


class Automation:
    """A webhook at Thoughtly that starts a call. Whoever knows its id can start calls, so the id is a secret."""

    def __init__(self, http: CarrierHttp, automation_id: SecretStr) -> None:
        self._http = http
        self._id = automation_id
        logging.getLogger("httpx2").addFilter(_hide_automation)  # it logs whole URLs

    async def start(self, outbound: Outbound) -> Acceptance:
        """`POST /webhook/automation/{id}`, without credentials. No id of the call comes back."""
        path = f"/webhook/automation/{quote(self._id.get_secret_value(), safe='')}"
        data_of(await self._http.post(path, {"contact_phone": outbound.to.e164, "prompt": outbound.text}))
        return Acceptance(None, Status.ACCEPTED)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()


def _hide_automation(record: logging.LogRecord) -> bool:
    """Let a log of the HTTP library pass without an automation's id."""
    if isinstance(record.args, tuple):
        record.args = tuple(_without_automation(argument) for argument in record.args)
    return True


def _without_automation(argument: object) -> object:
    text = str(argument)
    return _PATH.sub(r"\1•••", text) if "/webhook/automation/" in text else argument
