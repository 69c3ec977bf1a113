"""Ordinary telephones are not refused: libphonenumber's own examples of every region, on a live line."""

from __future__ import annotations

import pytest
from phonenumbers import PhoneNumberType
from tests.destinations.by_metadata import REGIONS, examples

from ringback.guards.base import Facts, Refuse
from ringback.guards.destination import destination
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Line, Outbound

LIVE = Line("sandbox", enabled=True, live=True, number=None, capabilities=frozenset(Channel))
ORDINARY = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
KNOWN_REFUSALS: dict[str, str] = {}
"""Regions whose ordinary example is refused, with the rule: none today. A new one must be explained in 0009."""
SATELLITES = {"AU +61147101234": "destination_satellite", "CA +16002012345": "destination_satellite"}
"""What libphonenumber counts among internet telephones, and the countries' plans among satellite ones."""


def refusals(*kinds: int) -> dict[str, str]:
    found = {}
    for e164, region in examples(*kinds).items():
        decision = destination(
            Facts(Outbound(Channel.SMS, parse_number(e164), "sandbox", "Hello"), LIVE, consented=True)
        )
        if isinstance(decision, Refuse):
            found[f"{region} {e164}"] = decision.rule
    return found


def test_at_least_995_of_1000_ordinary_examples_pass_and_the_others_are_known() -> None:
    ordinary = examples(*ORDINARY)
    assert len(ordinary) > 450  # distinct ones: countries that share a plan share examples
    assert len(set(ordinary.values())) >= len(REGIONS) - 1  # Saint Martin has only examples that another country has
    refused = refusals(*ORDINARY)
    assert len(refused) <= len(ordinary) * 0.005, refused
    assert refused == KNOWN_REFUSALS


@pytest.mark.parametrize("kind", [PhoneNumberType.VOIP, PhoneNumberType.TOLL_FREE])
def test_every_example_of_an_internet_telephone_or_a_free_number_passes_but_for_satellites(kind: int) -> None:
    assert len(examples(kind)) > 80
    assert set(refusals(kind).items()) <= SATELLITES.items()
