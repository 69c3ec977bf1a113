"""What a ledger of this version is searched by, for one key and once and for all.

Where one of these values changes, a ledger that exists finds nothing of its own any more. Then a migration is needed,
not another value here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import TO, claimed, grant, outbound, rows, stored

from ringback.ledger.records import Level
from ringback.ledger.store import encoded
from ringback.model.news import ReceivedText, StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.ledger import Ledger


async def test_an_outbound_by_its_key_its_words_and_its_question(ledger: Ledger, home: Path) -> None:
    record = await stored(ledger, outbound(channel=Channel.MMS), key="k")
    await ledger.consents.ask(record.id, "nonce")
    assert rows(home, "SELECT hex(key), hex(said), hex(nonce), contact FROM outbound") == [
        (
            "3A62FBD7F84C626CBDC700F4DFB5F4D797F2C7182A56DA7DBECC7C92DF72EDA0",
            "49A76BE2D63247122FFD6A6136F5C6853EC229A960D56A72F3DA8A9E74D5066F",
            "C70A08753E84134877546EB71B49675BEF8CF068F79D05B5C836E1922603B07F",
            "ct_vkdbqx26yumaglwb",
        )
    ]


async def test_an_outbound_by_the_carriers_id_and_words_without_media(ledger: Ledger, home: Path) -> None:
    claim = await claimed(ledger)
    await ledger.deliveries.settle(claim, Status.ACCEPTED, acceptance=Acceptance("id-1", Status.ACCEPTED))
    assert rows(home, "SELECT hex(carrier_ref), hex(said) FROM outbound") == [
        (
            "9BA8F1A6726EEFE8D10D7A90F00CF4E430F054232177AC5ACE94F766FB090CFE",
            "0BE2B2A7BAE1F354F45C49FFBD6AC17AD072FADA43F33024A18C1FD5E8E428E0",
        )
    ]


async def test_a_report_by_all_that_it_says_and_by_the_carriers_id(ledger: Ledger, home: Path) -> None:
    await ledger.deliveries.reported("sandbox", StatusNews("id-9", Report(Status.DELIVERED)))
    assert rows(home, "SELECT hex(digest), hex(carrier_ref) FROM callback") == [
        (
            "2D4347DD230F6659B3380D26A9AD2627E5794D1080D73145DBE2395097472F92",
            "BC76073F1AFE7B76E57E4ABC5415E124A306935B67E75A753B8FEFD6FD80FC82",
        )
    ]


async def test_an_allowance_by_its_media_host(ledger: Ledger, home: Path) -> None:
    given = replace(grant(Channel.MMS), media_host="example.com")
    await ledger.consents.allow(PhoneNumber(TO), given, level=Level.A2, via="page")
    await ledger.consents.allow(PhoneNumber(TO), grant(), level=Level.A2, via="page")
    assert rows(home, "SELECT hex(media_host) FROM allowance ORDER BY rowid") == [
        ("0F89F4B3FD2F4742C72B70C1B89E6044E12927719F4CC1080434ABDEA507CED0",),
        ("",),
    ]


async def test_a_received_text_by_the_carriers_id_and_a_sender_that_is_no_number(ledger: Ledger, home: Path) -> None:
    await ledger.inbox.add("sandbox", ReceivedText("in-1", "Example Bank", "Hello", 0.0))
    assert rows(home, "SELECT hex(carrier_ref), contact FROM received") == [
        ("EA30483ADB3754FE082AEEE3B80F463F61B245B30FD6E5AB45C0BFB74031C5A6", "ct_q5ojhknjh7orbvcs")
    ]


def test_the_slot_of_an_appointment(ledger: Ledger) -> None:
    expected = "20cacb0b50c5f31973f56bd21aa2d47be3033b36ec1ece8065334a41c13209e3"
    assert ledger.triggers.slot("at three").hex() == expected


def test_a_columns_value_in_a_proof() -> None:
    assert [encoded(value) for value in (None, b"x", b"", 1.5, 0.0, "x", "", 7)] == [
        b"",
        b"bx",
        b"b",
        b"f0x1.8000000000000p+0",
        b"f0x0.0p+0",
        b"sx",
        b"s",
        b"s7",
    ]


@pytest.mark.parametrize(
    ("text", "is_same"),
    [
        ("SEE YOU, at three!", True),
        ("see you at\u00a0three", True),
        ("\uff33ee you at three.", True),
        ("See you at four.", False),
    ],
)
async def test_the_same_words_in_another_dress_are_the_same(
    ledger: Ledger, home: Path, text: str, is_same: bool
) -> None:
    for each in ("See you at three.", text):
        await stored(ledger, outbound(text=each), key=each)
    assert (rows(home, "SELECT count(DISTINCT said) FROM outbound") == [(1,)]) is is_same


async def test_texts_without_a_letter_or_digit_are_told_apart_by_their_signs(ledger: Ledger, home: Path) -> None:
    for text in ("!!!", "???", "\u2764"):
        await stored(ledger, outbound(text=text))
    assert rows(home, "SELECT count(DISTINCT said) FROM outbound") == [(3,)]
