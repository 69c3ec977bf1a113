"""Fixtures of the tool tests: an installation on a real sandbox."""

from tests.tools import support

carrier = support.carrier
house = support.house
