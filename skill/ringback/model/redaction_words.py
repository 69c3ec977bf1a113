"""The words that make a number a secret, in the languages of the texts that carry codes; folded as `redact` folds."""

from __future__ import annotations

from typing import Final

CODE_WORDS: Final = (
    # A word that ends so counts too: Bestätigungscode, verificatiecode, engångskod.
    *("code", "codes", "kod", "kode", "koden", "kodu", "kodunuz", "koodi", "kód", "cod", "codul", "codice", "código"),
    *(
        "pin",
        "pins",
        "puk",
        "otp",
        "totp",
        "tan",
        "mtan",
        "pushtan",
        "smstan",
        "passcode",
        "mfa",
        "2fa",
        "clave",
        "claves",
    ),
    *("verification number", "security number", "one-time number", "einmalkennwort", "tunnusluku", "token", "senha"),
    *("код", "коду", "кода", "пин", "κωδικός", "κωδικό", "пароль", "رمز", "الرمز", "كود", "کد", "קוד", "הקוד"),
    *("कोड", "ओटीपी", "पिन", "কোড", "mã", "รหัส", "kodi", "kodas", "kods", "koda", "koda:", "kodot", "kódja"),
    *("验证码", "驗證碼", "校验码", "动态码", "动态密码", "確認碼", "认证码", "安全码", "取件码", "驗證代碼"),
    *("認証コード", "確認コード", "コード", "認証番号", "暗証番号", "ワンタイムパスワード"),
    *("인증번호", "인증코드", "인증 코드", "코드", "확인 코드", "비밀번호"),
)
NOT_CODES: Final = (
    *("zip", "post", "postal", "post ", "area", "dress", "promo", "promotion", "promotional", "discount", "coupon"),
    *("voucher", "country", "dialing", "dialling", "error", "status", "exit", "source", "qr", "bar", "color", "colour"),
    *(
        "product",
        "tax",
        "building",
        "civil",
        "criminal",
        "penal",
        "morse",
        "airport",
        "sort",
        "swift",
        "vat",
        "gutschein",
    ),
    *("rabatt", "aktions", "vorwahl", "lander", "fehler", "strich", "quell", "dress-", "zip-", "bar-", "qr-", "promo-"),
    *("geo", "uni", "en", "de", "pos", "kleider", "http", "response", "job", "course", "unlock bonus"),
)
"""Before a code word: then it is a code that keeps nothing closed."""
NOT_CODES_AFTER: Final = ("postal", "postale", "postaux", "promo", "promotionnel", "promocional", "de la route", "pos")
WEAK_WORDS: Final = (
    *(
        "verify",
        "verification",
        "verifizier",
        "verificar",
        "vérification",
        "verificación",
        "log in",
        "login",
        "sign in",
    ),
    *(
        "two-factor",
        "2-step",
        "one-time pass",
        "one time pass",
        "authenticat",
        "don't share",
        "do not share",
        "never share",
        "not share",
    ),
    *("niemandem", "nicht weiter", "ne partagez", "ne le partagez", "no compartas", "no lo compartas"),
    *("não compartilhe", "non condivid", "niet delen", "nie udostępniaj", "не сообщайте", "никому", "paylaşm"),
    *("请勿", "切勿", "勿泄露", "他人に", "타인", "لا تشارك"),
)
"""Beside these a number counts only where it has the shape of a code."""
LINKING: Final = (
    *("is", "are", "was", "=", ":", "ist", "lautet", "sind", "est", "es", "é", "è", "ser", "is de", "jest", "to", "je"),
    *(
        "är",
        "er",
        "on",
        "este",
        "είναι",
        "это",
        "هو",
        "هي",
        "הוא",
        "है",
        "là",
        "คือ",
        "是",
        "为",
        "為",
        "は",
        "는",
        "은",
    ),
    *("adalah", "olarak", "as", "als", "comme", "como", "come", "#", "'s", "s"),
)
PASSWORD_WORDS: Final = (
    *(
        "password",
        "passwords",
        "passwd",
        "pass word",
        "passphrase",
        "pwd",
        "passwort",
        "kennwort",
        "passwörter",
    ),
    *(
        "mot de passe",
        "mdp",
        "contraseña",
        "senha",
        "palavra-passe",
        "parola",
        "wachtwoord",
        "hasło",
        "heslo",
        "jelszó",
    ),
    *("lösenord", "passord", "adgangskode", "salasana", "şifre", "parola d'ordine", "пароль", "κωδικός πρόσβασης"),
    *("كلمة المرور", "كلمة السر", "סיסמה", "סיסמא", "पासवर्ड", "mật khẩu", "รหัสผ่าน", "kata sandi"),
    *("密码", "密碼", "パスワード", "비밀번호", "암호"),
)
TICKETS: Final = (
    "bus",
    "ski",
    "day",
    "week",
    "boarding",
    "travel",
    "train",
    "rail",
    "hall",
    "season",
    "museum",
    "mountain",
)
"""Before "pass:": then it is no password."""
NO_PASSWORDS: Final = frozenset(
    (
        *("a", "abgelaufen", "about", "again", "already", "also", "altijd", "an", "and", "any", "at", "auf"),
        *("been", "being", "below", "by", "cannot", "case", "changed", "correct", "das", "dein", "der", "die"),
        *("down", "el", "empty", "enough", "errada", "expirado", "expired", "expiré", "falsch", "fine", "for"),
        *("from", "geheim", "gone", "good", "here", "hidden", "ihr", "im", "in", "incorrect", "incorrecta"),
        *("incorrecto", "invalid", "it", "just", "known", "la", "le", "les", "locked", "lost", "mi", "mine"),
        *("missing", "mon", "more", "my", "needed", "neu", "never", "new", "nicht", "nie", "no", "noch", "not"),
        *("now", "não", "nötig", "ok", "okay", "old", "on", "only", "or", "ours", "out", "pas", "please"),
        *("protected", "really", "required", "reset", "richtig", "right", "same", "sbagliata", "scaduta", "secret"),
        *("see", "sent", "set", "still", "stored", "strong", "su", "sua", "that", "the", "their", "there", "this"),
        *("to", "too", "tu", "un", "una", "unknown", "unsafe", "up", "verlopen", "very", "votre", "was", "weak"),
        *("what", "where", "with", "working", "wrong", "yes", "you", "your", "yours", "zu"),
    )
)
"""What stands after "the password is" and is none."""
CARD_WORDS: Final = (
    *("cvv", "cvv2", "cvc", "cvc2", "cid", "csc", "card security code", "prüfnummer", "prüfziffer", "kartenprüfnummer"),
    *(
        "cryptogramme",
        "código de seguridad",
        "código de segurança",
        "codice di sicurezza",
        "安全码",
        "セキュリティコード",
    ),
)
SSN_WORDS: Final = ("ssn", "social security", "social sec", "seguro social", "social")
PHONE_WORDS: Final = (
    *("call", "text", "tel", "phone", "ring", "mobile", "cell", "whatsapp", "number", "handy", "anruf", "telefon"),
    *("nummer", "numéro", "teléfono", "telefone", "телефон", "номер", "电话", "電話", "전화", "هاتف"),
)
ORDINARY_BEFORE: Final = (
    *("room", "rm", "apt", "apartment", "suite", "unit", "flat", "flight", "gate", "bus", "line", "at", "by", "until"),
    *("before", "after", "since", "in", "year", "from", "zimmer", "um", "bis", "ab", "vor", "seit", "jahr", "chambre"),
    *("à", "vers", "habitación", "a las", "stanza", "alle", "order", "invoice", "ref", "ticket", "tracking", "booking"),
    *("bestellung", "rechnung", "commande", "pedido", "$", "€", "£", "¥", "usd", "eur", "gbp", "chf", "rs", "about"),
)
ORDINARY_AFTER: Final = (
    *("am", "pm", "a.m", "p.m", "h", "hrs", "hours", "uhr", "min", "minutes", "km", "m", "mi", "miles", "kg", "g", "%"),
    *("eur", "usd", "gbp", "chf", "€", "$", "£", "¥", "euro", "euros", "dollars", "people", "times", "years", "days"),
    *("street", "st", "ave", "avenue", "road", "rd", "drive", "lane", "blvd"),
)
