"""What Twilio does by itself with the texts that come in: stop words end its texts to their writer."""

from typing import TYPE_CHECKING

from ringback_sandbox.carrier import Submission

if TYPE_CHECKING:
    from ringback_sandbox.carrier import Carrier
    from ringback_sandbox.model import Reply

_BATCH = 500
_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_START = frozenset({"START", "YES", "UNSTOP"})
_HELP = frozenset({"HELP", "INFO"})

# The service's own words for a long code.
_STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number. "
    "Reply START to resubscribe."
)
_STARTED = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
_HELPED = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


class OptOuts:
    """Who wrote STOP, by the texts that came in; START ends it. A word counts when it is the whole text.

    While the carrier's `stop_words` is off, nobody is kept back and nothing is answered.
    """

    def __init__(self, carrier: "Carrier") -> None:
        self._carrier = carrier
        self._read_to = 0
        self._stopped: dict[str, str] = {}

    def __contains__(self, number: str) -> bool:
        self._read()
        return self._carrier.stop_words and self._is_stopped(number)

    def _is_stopped(self, number: str) -> bool:
        stopped = self._stopped.get(number)
        return stopped is not None and self._carrier.store.get(stopped) is not None  # a reset forgets it

    def received(self, reply: "Reply") -> None:
        """Answer a word that changes something, or asks for help, on the number that was last texted from here."""
        self._read(before=reply.seq)
        said = _answer(reply.body, stopped=self._is_stopped(reply.sender))
        account = self._account(reply.sender)
        if self._carrier.stop_words and said is not None and account is not None:
            tag = {"account": account, "platform": True}
            self._carrier.accept(Submission("sms", reply.sender, said, None, tag))

    def _account(self, number: str) -> str | None:
        """Whose text or call the number got last; None where it did not come by this service."""
        for item in self._carrier.store.outbound(_BATCH):
            if item.to == number:
                return (self._carrier.store.tag(item.id) or {}).get("account")
        return None

    def _read(self, before: int | None = None) -> None:
        """Learn what came in since, or of that what came before."""
        while replies := self._carrier.store.replies(self._read_to, _BATCH):
            for reply in replies:
                if before is not None and reply.seq >= before:
                    return
                self._learn(reply)
                self._read_to = reply.seq

    def _learn(self, reply: "Reply") -> None:
        word = _word(reply.body)
        if word in _STOP:
            self._stopped[reply.sender] = reply.id
        elif word in _START:
            self._stopped.pop(reply.sender, None)


def _word(body: str) -> str:
    return body.strip().upper()


def _answer(body: str, *, stopped: bool) -> str | None:
    word = _word(body)
    if stopped:
        return _STARTED if word in _START else None
    return _STOPPED if word in _STOP else _HELPED if word in _HELP else None
