r"""
Redaction, as SQL that the engine runs over every attribute value and log body while it loads a segment.

Two looks. The first must be cheap, for it sees every value (about 45 ns each): is the key a secret's name, or does the value look
suspicious to one combined expression, or is it too long? Only what fails that look is treated: known shapes of secrets are replaced
by `[REDACTED]`, card numbers only when their issuer prefix and their Luhn sum fit, and over-long values are cut.

    password = hunter2                    -> [REDACTED]            (by key)
    "paid with 4111 1111 1111 1111"       -> "paid with [REDACTED]"  (by value)
    "GET /x?token=abc&page=2"             -> "GET /x?token=[REDACTED]&page=2"

The journal holds what came over the wire until the engine has the segment (well under a second, unless it is quarantined): that
file is as secret as the service that sent it.
"""

from __future__ import annotations

import re

from tocsin.store.options import RedactionOptions
from tocsin.store.sql import quote_string

MARK = "[REDACTED]"
CUT_MARK = "…[cut]"
LOOK_BYTES_MIN = 8  # nothing shorter can hold a secret of a known shape, and most values are shorter

# The last word of a key, after its start, one of . _ - / or a change of case: `db.password`, `X-Api-Key`, `userPassword`, `token_hash`.
# `session.id` is not among them: OpenTelemetry defines it for correlation.
SECRET_KEYS = (
    "password", "passwd", "pwd", "passphrase", "secret", "client_secret", "token", "access_token", "refresh_token", "id_token", "auth_token",
    "session_token", "authorization", "proxy-authorization", "api_key", "apikey", "x-api-key", "access_key", "secret_key", "private_key",
    "credential", "credentials", "cookie", "set-cookie", "csrf", "xsrf", "csrf_token", "cvv", "cvc", "ssn", "pin_code", "otp",
)  # fmt: skip
SECRET_KEY_ENDINGS = r"(?:[._-](?:value|hash|text|header|base64|b64|[0-9]+))?$"
# Names that end in such a word and are no secret: counters of language models (their plural, `input_tokens`, is not matched at all).
HARMLESS_KEYS = r"(?i)(?:max|num|total|prompt|completion|input|output)[._-]token$"

INLINE_WORDS = r"passw(?:or)?d|passphrase|secret|(?:access|refresh|auth|id|session|api)?[_-]?token|api[_-]?key|authorization|(?:set-)?cookie"
SHAPES = {
    "private_key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    "jwt": r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.?[A-Za-z0-9_-]*",
    "bearer": r"(?i)\b(?:bearer|basic|digest)\s+[A-Za-z0-9._~+/=-]{8,}",
    "aws_key": r"\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b",
    "google_key": r"\bAIza[0-9A-Za-z_-]{30,}",
    "github_token": r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    "gitlab_token": r"\bglpat-[A-Za-z0-9_-]{16,}",
    "slack_token": r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    "service_key": r"\b[sr]k[-_](?:live|test|ant|proj|or)[-_][A-Za-z0-9_-]{10,}|\bsk-[A-Za-z0-9]{32,}",
    "url_password": r"://[^/\s:@]+:[^/\s:@]+@",
}
NATIONAL_IDS = {
    "us_ssn": r"\b(?:00[1-9]|0[1-9]\d|[1-578]\d\d|6[0-57-9]\d|66[0-57-9])-(?:0[1-9]|[1-9]\d)-(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})\b",
    "uk_nino": r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
    "it_codice_fiscale": r"\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b",
    "es_dni": r"\b\d{8}-[A-HJ-NP-TV-Z]\b",
}
EMAIL = r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b"
# Issuer prefixes: Visa, Mastercard, American Express, Discover, JCB, Diners. Epoch times (17...) are no card, whatever their Luhn sum.
CARD = r"\b(?:4|5[1-5]|2[2-7]|3[47]|3[068]|35|6011|65|64)\d*(?:[ -]?\d){11,18}\b"
# A JSON string, or a bare word, that follows the name of a secret: the name stays, the value goes.
INLINE = rf"(?i)((?:{INLINE_WORDS})[\"']?\s*[=:]\s*)(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s\"'&,;}}\]]+)"


def secret_key_pattern(options: RedactionOptions) -> str:
    """The expression that tells a secret's key; matches anywhere in the key, any case."""
    words = "|".join(_flexible(word) for word in (*SECRET_KEYS, *options.keys))
    return rf"(?:(?:^|[._/\-\s])(?i:{words})|[a-z0-9](?:{_capitalized(options)})){SECRET_KEY_ENDINGS}"


def is_secret_key(key: str, options: RedactionOptions) -> str:
    """SQL that is true when the expression `key` names a secret."""
    if not options.enabled:
        return "0"
    return f"(match({key}, {quote_string(secret_key_pattern(options))}) AND NOT match({key}, {quote_string(HARMLESS_KEYS)}))"


def is_suspicious(value: str, options: RedactionOptions, *, bytes_max: int) -> str:
    """SQL that is true when the name `value` must be looked at closely: it may hold a secret, or is longer than `bytes_max`."""
    if not options.enabled:
        return f"length({value}) > {bytes_max}"
    pattern = quote_string(_suspicious_pattern(options))
    return f"(length({value}) > {bytes_max} OR (length({value}) >= {LOOK_BYTES_MIN} AND match({value}, {pattern})))"


def treat(value: str, options: RedactionOptions, *, bytes_max: int) -> str:
    """SQL of the text named `value`, cut to `bytes_max` bytes at a character's end, then with its secrets replaced."""
    cut = f"if(length({value}) > {bytes_max}, concat(toValidUTF8(substring({value}, 1, {bytes_max})), {quote_string(CUT_MARK)}), {value})"
    if not options.enabled:
        return cut
    return _without_shapes(_without_cards(cut) if options.payment_cards else cut, options)


def _without_cards(text: str) -> str:
    numbers = f"extractAll({text}, {quote_string(CARD)})"
    digits = f"arrayMap(c -> replaceRegexpAll(c, '[ -]', ''), {numbers})"
    cards = f"arrayFilter((c, n) -> length(n) BETWEEN 13 AND 19 AND {luhn_holds('n')}, {numbers}, {digits})"
    return f"arrayFold((t, c) -> replaceAll(t, c, {quote_string(MARK)}), {cards}, {text})"


def luhn_holds(digits: str) -> str:
    """
    SQL that is true when the expression `digits`, a text of decimal digits, passes the Luhn check.

    From the right, every second digit is doubled, less 9 where that gives two digits; the sum must end in 0.

    Source: ISO/IEC 7812-1, annex B.
    """
    values = f"arrayReverse(arrayMap(d -> toInt16(d), splitByString('', {digits})))"
    return f"arraySum((d, i) -> if(i % 2 = 0, if(d > 4, d * 2 - 9, d * 2), d), {values}, range(1, length({digits}) + 1)) % 10 = 0"


def _without_shapes(value: str, options: RedactionOptions) -> str:
    text = value
    for name, pattern in _patterns(options).items():
        replacement = "://[REDACTED]@" if name == "url_password" else MARK
        text = f"replaceRegexpAll({text}, {quote_string(pattern)}, {quote_string(replacement)})"
    return f"replaceRegexpAll({text}, {quote_string(INLINE)}, {quote_string(chr(92) + '1' + MARK)})"


def _suspicious_pattern(options: RedactionOptions) -> str:
    cards = [r"\b[2-6](?:[ -]?\d){12}"] if options.payment_cards else []
    shapes = [f"(?:{pattern})" for pattern in _patterns(options).values()]
    return "|".join([*cards, *shapes, rf"(?i:{INLINE_WORDS})[\"']?\s*[=:]"])


def _patterns(options: RedactionOptions) -> dict[str, str]:
    return {**SHAPES, **(NATIONAL_IDS if options.national_ids else {}), **({"email": EMAIL} if options.email else {})}


def _flexible(word: str) -> str:
    return "[._-]?".join(re.escape(part) for part in re.split(r"[._-]", word))


def _capitalized(options: RedactionOptions) -> str:
    words = {re.split(r"[._-]", word)[-1].capitalize() for word in (*SECRET_KEYS, *options.keys)} - {"Key", "Code"}
    return "|".join(re.escape(word) for word in sorted(words | {"ApiKey", "AccessKey", "SecretKey", "PrivateKey"}))
