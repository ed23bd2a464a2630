r"""
Redaction, as SQL that the engine runs over every attribute value and log body while it loads a segment.

Two looks. The first must be cheap, for it sees every value (about 45 ns each): is the key a secret's name, or does the value look
suspicious to one combined expression, or is it too long? Only what fails that look is treated: known shapes of secrets are replaced
by `[REDACTED]`, card numbers only when their issuer prefix and their Luhn sum fit, and over-long values are cut.

    password = hunter2                    -> [REDACTED]            (by key)
    "paid with 4111 1111 1111 1111"       -> "paid with [REDACTED]"  (by value)
    "GET /x?token=abc&page=2"             -> "GET /x?token=[REDACTED]&page=2"

Treated are the values of attributes (of records, events, links, points, exemplars, resources), log bodies and status messages. Names
are not: service, span, metric, event and scope names, severity texts and attribute keys are there to be searched and grouped by, and a
name that holds a secret is a different mistake. A resource's redactions are not counted: it is the same for thousands of records.
Cutting comes first, so that no text of any length makes the engine work longer than a text of the limit.

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
    "password", "passwd", "passcode", "pwd", "passphrase", "secret", "client_secret", "token", "access_token", "refresh_token", "id_token",
    "auth_token", "session_token", "authorization", "proxy-authorization", "api_key", "apikey", "x-api-key", "access_key", "secret_key",
    "private_key", "credential", "credentials", "cookie", "set-cookie", "csrf", "xsrf", "csrf_token", "cvv", "cvc", "ssn", "pin_code",
    "otp",
)  # fmt: skip
GLUED_KEYS = "password|passwd|passphrase|apikey"  # unmistakable even where nothing parts the words: `dbpassword`, `PGPASSWORD`
SECRET_KEY_ENDINGS = r"(?:[._-](?:value|hash|text|header|base64|b64|[0-9]+))?$"
# Names that end in such a word and are no secret: counters of language models (their plural, `input_tokens`, is not matched at all).
HARMLESS_KEYS = r"(?i)(?:max|num|total|prompt|completion|input|output)[._-]token$"

SHAPES = {
    "private_key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)",
    "jwt": r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.?[A-Za-z0-9_-]*",
    "bearer": r"(?i)\b(?:bearer|basic|digest)\s+[A-Za-z0-9._~+/=-]{8,}",
    "aws_key": r"\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b",
    "google_key": r"\bAIza[0-9A-Za-z_-]{30,}",
    "github_token": r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    "gitlab_token": r"\bglpat-[A-Za-z0-9_-]{16,}",
    "slack_token": r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    "service_key": r"\b[sr]k[-_](?:live|test|ant|proj|or)[-_][A-Za-z0-9_-]{10,}|\bsk-[A-Za-z0-9]{32,}",
    "url_password": r"://[^/\s:@\"'?#]*:[^/\s\"'?#]+@",
}
NATIONAL_IDS = {
    "us_ssn": r"\b(?:00[1-9]|0[1-9]\d|[1-578]\d\d|6[0-57-9]\d|66[0-57-9])-(?:0[1-9]|[1-9]\d)-"
    r"(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})\b",
    "uk_nino": r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
    "it_codice_fiscale": r"\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b",
    "es_dni": r"\b\d{8}-[A-HJ-NP-TV-Z]\b",
}
EMAIL = r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b"

# Card numbers as people and programs write them: in one piece, or in the groups of their issuer. Anything looser also fits the digits of
# a UUID, and takes the expiry date that stands behind a number for a part of it. Epoch times (17...) begin like no card.
# Source: ISO/IEC 7812 issuer ranges as the networks publish them.
CARD_PIECES = (
    r"4\d{12}(?:\d{3}){0,2}",  # Visa
    r"(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}",  # Mastercard
    r"3[47]\d{13}",  # American Express
    r"(?:6011|64[4-9]\d|65\d\d)\d{12}(?:\d{3})?",  # Discover
    r"35(?:2[89]|[3-8]\d)\d{12}(?:\d{3})?",  # JCB
    r"3(?:0[0-59]|[689]\d)\d{11}",  # Diners
    r"62\d{14,17}",  # UnionPay
)
CARD_GROUPS = (
    r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|64[4-9]\d|65\d\d|62\d\d|35\d\d)(?:[ -]\d{4}){3}",
    r"3[47]\d\d[ -]\d{6}[ -]\d{5}",
    r"3[0689]\d\d[ -]\d{6}[ -]\d{4}",
)
CARD = rf"\b(?:{'|'.join((*CARD_GROUPS, *CARD_PIECES))})\b"
CARD_FIRST_LOOK = r"\b[2-6](?:[ -]?\d){12}"

# Names of secrets inside a text: a log line, JSON, a query string, a connection string, headers written out.
INLINE_WORDS = (
    r"passw(?:or)?d", r"passphrase", r"passcode", r"(?:\b|_)pwd", r"secret", r"token", r"api[_-]?key", r"access[_-]?key", r"secret[_-]?key",
    r"private[_-]?key", r"credentials?", r"x-(?:amz|goog)-signature", r"(?:\b|_)(?:csrf|xsrf|cvv|cvc|ssn|otp|pin_code)",
)  # fmt: skip
HEADERS = r"authorization|cookie"  # their values have several words: they go up to the end of the line, or of the quotes
INLINE_SEPARATOR = r"(?:\\*[\"'])?\s*[=:]\s*"
# A JSON text (its quotes may be escaped, as JSON inside JSON has them), a list, an object, or a bare word; what is redacted already stays.
INLINE_VALUE = (
    r"\\+\"(?s:.*?)\\+\"|\"(?:[^\"\\]|\\.)*(?:\"|$)|'[^']*(?:'|$)|\[REDACTED\]|\[[^\]]*(?:\]|$)|\{[^}]*(?:\}|$)|[^\s\"'&,;}\]\\]+"
)
# A mark that stands where JSON has a member's value gets quotes, so that what was JSON still is: {"pin":1234} -> {"pin":"[REDACTED]"}.
BARE_MEMBER = r"([^\\]\"\s*:\s*)\[REDACTED\]"
HEADER_VALUE = r"\\+\"(?s:.*?)\\+\"|\"(?:[^\"\\]|\\.)*(?:\"|$)|'[^']*(?:'|$)|\[[^\]]*(?:\]|$)|[^\r\n\"']+"


def secret_key_pattern(options: RedactionOptions) -> str:
    """The expression that tells a secret's key; matches anywhere in the key, any case."""
    words = "|".join(_flexible(word) for word in (*SECRET_KEYS, *options.keys))
    return rf"(?:(?:^|[._/\-\s])(?i:{words})|(?i:{GLUED_KEYS})|[a-z0-9](?:{_capitalized(options)})){SECRET_KEY_ENDINGS}"


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
    # The first of the last bytes behind which no continuation byte (10xxxxxx) follows is a character's end.
    back = f"arrayFirst(b -> bitAnd(reinterpretAsUInt8(substring({value}, {bytes_max + 1} - b, 1)), 192) != 128, [0, 1, 2, 3])"
    cut = f"if(length({value}) > {bytes_max}, concat(substring({value}, 1, {bytes_max} - {back}), {quote_string(CUT_MARK)}), {value})"
    if not options.enabled:
        return cut
    return _without_shapes(_without_cards(cut) if options.payment_cards else cut, options)


def _without_cards(text: str) -> str:
    numbers = f"extractAll({text}, {quote_string(CARD)})"
    digits = f"arrayMap(c -> replaceRegexpAll(c, '[ -]', ''), {numbers})"
    cards = f"arrayFilter((c, n) -> {luhn_holds('n')}, {numbers}, {digits})"
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
    for names, values in ((HEADERS, HEADER_VALUE), (_inline_words(options), INLINE_VALUE)):
        pattern = rf"(?i)((?:{names}){INLINE_SEPARATOR})(?:{values})"
        text = f"replaceRegexpAll({text}, {quote_string(pattern)}, {quote_string(chr(92) + '1' + MARK)})"
    return f"replaceRegexpAll({text}, {quote_string(BARE_MEMBER)}, {quote_string(chr(92) + '1' + chr(34) + MARK + chr(34))})"


def _suspicious_pattern(options: RedactionOptions) -> str:
    cards = [CARD_FIRST_LOOK] if options.payment_cards else []
    shapes = [f"(?:{pattern})" for pattern in _patterns(options).values()]
    return "|".join([*cards, *shapes, rf"(?i:{HEADERS}|{_inline_words(options)}){INLINE_SEPARATOR}"])


def _inline_words(options: RedactionOptions) -> str:
    return "|".join((*INLINE_WORDS, *(rf"(?:\b|_){_flexible(word)}" for word in options.keys)))


def _patterns(options: RedactionOptions) -> dict[str, str]:
    return {**SHAPES, **(NATIONAL_IDS if options.national_ids else {}), **({"email": EMAIL} if options.email else {})}


def _flexible(word: str) -> str:
    return "[._-]?".join(re.escape(part) for part in re.split(r"[._-]", word))


def _capitalized(options: RedactionOptions) -> str:
    words = {re.split(r"[._-]", word)[-1].capitalize() for word in (*SECRET_KEYS, *options.keys)} - {"Key", "Code"}
    return "|".join(re.escape(word) for word in sorted(words | {"ApiKey", "AccessKey", "SecretKey", "PrivateKey"}))
