"""The wire dialects: one file for each carrier whose HTTP the sandbox speaks, over one carrier underneath.

A new dialect is one file with a class like `ThinkFleetBot`, and one line in `DIALECTS`.
"""

from .custom import Custom
from .dialect import Dialect, Setting
from .teli import Teli
from .thinkfleetbot import ThinkFleetBot
from .thinnest import Thinnest
from .thoughtly import Thoughtly
from .twilio import Twilio

DIALECTS: tuple[type[Dialect], ...] = (ThinkFleetBot, Twilio, Teli, Custom, Thoughtly, Thinnest)

__all__ = ["DIALECTS", "Dialect", "Setting"]
