import re
from typing import TYPE_CHECKING

from .carrier import WrongStateError

if TYPE_CHECKING:
    from .carrier import Carrier
    from .model import Call

_KEYS = re.compile(r"[0-9*#]{1,32}")
_MOST_DIGITS = 256


class Handset:
    """What the handset's owner does with a call."""

    def __init__(self, carrier: "Carrier") -> None:
        self._carrier = carrier

    def answer(self, call_id: str) -> "Call":
        """Pick up a ringing call.

        Raises:
            NoSuchCallError: nothing by that id was called.
            WrongStateError: it does not ring.
        """
        self._carrier.call_in(call_id, "ringing")
        self._carrier.store.set_answered(call_id, self._carrier.clock.now_ms())
        return self._carrier.changed(call_id)

    def to_voicemail(self, call_id: str) -> "Call":
        """Let a voicemail system take a ringing call: it records, and hangs up by itself.

        Raises:
            NoSuchCallError: nothing by that id was called.
            WrongStateError: it does not ring.
        """
        self._carrier.call_in(call_id, "ringing")
        self._carrier.store.set_voicemail(call_id, self._carrier.clock.now_ms())
        return self._carrier.changed(call_id)

    def decline(self, call_id: str) -> "Call":
        """Refuse a ringing call: it ends busy.

        Raises:
            NoSuchCallError: nothing by that id was called.
            WrongStateError: it does not ring.
        """
        self._carrier.call_in(call_id, "ringing")
        self._carrier.store.set_ended(call_id, self._carrier.clock.now_ms(), "busy")
        return self._carrier.changed(call_id)

    def hang_up(self, call_id: str) -> "Call":
        """End an answered call.

        Raises:
            NoSuchCallError: nothing by that id was called.
            WrongStateError: nobody is talking.
        """
        self._talk(call_id)
        self._carrier.store.set_ended(call_id, self._carrier.clock.now_ms(), "completed")
        return self._carrier.changed(call_id)

    def press(self, call_id: str, keys: str) -> "Call":
        """Press keys during an answered call.

        Raises:
            ValueError: not 1 to 32 of 0-9, * and #, or more than a call holds.
            NoSuchCallError: nothing by that id was called.
            WrongStateError: nobody is talking.
        """
        if not _KEYS.fullmatch(keys):
            raise ValueError("keys must be 1 to 32 of 0-9, * and #")
        if len(self._talk(call_id).digits) + len(keys) > _MOST_DIGITS:
            raise ValueError(f"a call holds at most {_MOST_DIGITS} keys")
        self._carrier.store.add_digits(call_id, keys)
        return self._carrier.changed(call_id)

    def _talk(self, call_id: str) -> "Call":
        """The call that the handset's owner is in."""
        call = self._carrier.call_in(call_id, "in-progress")
        if call.answered_by(self._carrier.clock.now_ms()) == "voicemail":
            raise WrongStateError("voicemail took the call: nobody is talking")
        return call
