"""Who wants no more: noted down here, lifted, taken in from a list and given out as one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ringback.errors import InvalidNumber, InvalidRequest, NotFound
from ringback.questions import country_name

if TYPE_CHECKING:
    from ringback.ledger.records import OptOut
    from ringback.model.numbers import PhoneNumber
    from ringback.opting_out import Imported, Noted
    from ringback_server.console.gate import Gate, Parts, Visit

MOST_LINES: Final = 2000
"""How many lines are taken in on the page; a longer list is taken in by command."""
MOST_SHOWN: Final = 500
_ID: Final = re.compile(r"oo_[a-z2-7]{24}", re.ASCII)
_LINE: Final = re.compile(r"phone,via,since|\+[0-9]{3,15},[a-z]+,[0-9]+", re.ASCII)
"""What a line of the list that is given out can be: no cell holds anything that a spreadsheet could calculate."""
_OWN: Final = frozenset({"text", "keys", "carrier"})
"""What they said themselves, here or to the carrier."""
_BY: Final = {
    "text": "They wrote a stop word",
    "keys": "They pressed *9 in a call",
    "carrier": "Told the carrier, which refused",
    "page": "Noted on this page",
    "terminal": "Noted in a terminal",
    "import": "From a list",
}
_NO_INPUT: Final[dict[str, str]] = {"number": "", "list": ""}


class OptedOut:
    """The page of one console about who opted out."""

    def __init__(self, parts: Parts, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate
        self._opt_outs = parts.opened.person.opt_outs
        self._people: dict[PhoneNumber, dict[str, Any]] = {}

    async def show(self, visit: Visit) -> Response:
        """All that stand, newest first."""
        return await self._show(visit)

    async def _show(self, visit: Visit, problem: str = "", wrong: str = "", status: int = 200) -> Response:
        """The page; with a problem also what was typed, in the field `wrong`."""
        standing = await self._opt_outs.standing()
        waiting = {opt_out.id for opt_out, _ in await self._parts.opened.ledger.opt_outs.unconfirmed()}
        return self._gate.render(
            "opted_out.html",
            visit,
            status,
            entries=[self._view(opt_out, waiting) for opt_out in standing[:MOST_SHOWN]],
            count=len(standing),
            more=max(0, len(standing) - MOST_SHOWN),
            most_lines=MOST_LINES,
            problem=problem,
            wrong=wrong,
            given={name: visit.form.get(name, "") for name in _NO_INPUT},
        )

    def _view(self, opt_out: OptOut, waiting: set[str]) -> dict[str, Any]:
        if opt_out.number not in self._people:  # a list of five hundred is read again and again, and reads slowly
            country = country_name(opt_out.number)
            shown = {"number": opt_out.number.formatted, "country": country[:1].upper() + country[1:]}
            self._people[opt_out.number] = shown
        return {
            **self._people[opt_out.number],
            "id": opt_out.id,
            "by": _BY.get(opt_out.via, opt_out.via),
            "own": opt_out.via in _OWN,
            "since": opt_out.since,
            # A stop word that came as a text is confirmed: by us, or by the carrier itself.
            "told": "not yet" if opt_out.id in waiting else "yes" if opt_out.via == "text" else "no",
        }

    async def add(self, visit: Visit) -> Response:
        """Note down that somebody wants no more."""
        try:
            noted = await self._opt_outs.add(visit.form.get("number", "").strip(), via="page")
        except InvalidNumber as error:
            # Whoever sits here typed the number: it may be said whole.
            hint = f"Did you mean {error.suggestion}?" if error.suggestion else error.hint
            return await self._show(visit, f"{error.message} {hint}", "number", 422)
        self._parts.watch.tell()
        visit.session.notes.append(_noted(noted))
        return RedirectResponse("/opted-out", 303)

    async def ask_lift(self, visit: Visit) -> Response:
        """What lifting does, to be confirmed. It changes nothing."""
        opt_out = await self._find(visit)
        if opt_out is None:
            return RedirectResponse("/opted-out", 303)
        return self._lifting(visit, opt_out)

    def _lifting(self, visit: Visit, opt_out: OptOut, problem: str = "", status: int = 200) -> Response:
        entry = self._view(opt_out, set())
        return self._gate.render("lift.html", visit, status, entry=entry, problem=problem)

    async def lift(self, visit: Visit) -> Response:
        """Let messages go out to somebody again. What they said themselves is lifted only by who heard them since."""
        opt_out = await self._find(visit)
        if opt_out is None:
            visit.session.notes.append("That one had been lifted before. What you chose changed nothing.")
            return RedirectResponse("/opted-out", 303)
        if opt_out.via in _OWN and visit.form.get("sure") != "told":
            problem = "They said it themselves. Nothing was lifted: confirm that they told you otherwise since."
            return self._lifting(visit, opt_out, problem, 422)
        await self._opt_outs.lift(opt_out.number.e164)
        self._parts.watch.tell()
        visit.session.notes.append("Lifted. Messages and calls may go to them again; what was cancelled stays so.")
        return RedirectResponse("/opted-out", 303)

    async def _find(self, visit: Visit) -> OptOut | None:
        """The opt-out of the path, if it stands.

        Raises:
            NotFound: the path names none.
        """
        wanted = visit.request.path_params["id"]
        if not _ID.fullmatch(wanted):
            raise NotFound("There is no such opt-out.", hint="See the list of who opted out.")
        return next((opt_out for opt_out in await self._opt_outs.standing() if opt_out.id == wanted), None)

    async def take_in(self, visit: Visit) -> Response:
        """Take in a list: all of it, or nothing."""
        text = visit.form.get("list", "")
        if text.count("\n") > MOST_LINES:
            problem = f"The list has more than {MOST_LINES:,} lines. Nothing was stored. Use: ringback optout import"
            return await self._show(visit, problem, "list", 422)
        try:
            imported = await self._opt_outs.import_list(text)
        except InvalidRequest as error:
            return await self._show(visit, f"{error.message} {error.hint}", "list", 422)
        self._parts.watch.tell()
        visit.session.notes.append(_imported(imported))
        return RedirectResponse("/opted-out", 303)

    async def give_out(self, visit: Visit) -> Response:
        """The whole list as a file, in the form in which it is taken in."""
        del visit
        text = await self._opt_outs.export_list()
        if not all(_LINE.fullmatch(line) for line in text.splitlines()):
            raise HTTPException(500, "The list holds something that does not belong there. Run: ringback doctor")
        name = {"Content-Disposition": 'attachment; filename="ringback-opted-out.csv"'}
        return Response(text, media_type="text/csv", headers=name)


def _noted(noted: Noted) -> str:
    words = "Noted. Nothing goes out to them any more." if noted.is_new else "They had opted out before."
    if noted.cancelled:
        words = f"{words} Cancelled, of what waited or was scheduled for them: {noted.cancelled}."
    if noted.on_their_way:
        words = f"{words} {noted.on_their_way} are still being handed to the carrier: those cannot be called back."
    return words


def _imported(imported: Imported) -> str:
    return f"Taken in. Lines: {imported.lines:,}. New: {imported.new:,}. Stood before: {imported.known:,}."
