"""What redaction takes out and what it leaves alone, by key and by value, run by the engine as it runs when loading."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Mapping, Sequence

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.builders import number, rows

from tocsin.store.options import RedactionOptions
from tocsin.store.redact import CUT_MARK, MARK, is_secret_key, is_suspicious, luhn_holds, treat
from tocsin.store.store import Store

BYTES_MAX = 65_536
SECRET_KEYS = [
    "password", "Password", "PASSWORD", "db.password", "user_password", "userPassword", "user-password", "dbPassword",
    "dbpassword", "PGPASSWORD", "passwd", "pwd", "db.pwd", "userPwd", "passphrase", "ssh_passphrase", "secret", "client_secret",
    "clientSecret", "client.secret", "AWS_SECRET_ACCESS_KEY", "token", "access_token", "accessToken", "refresh_token", "id_token",
    "authToken", "auth.token", "session_token", "sessionToken", "x-auth-token", "X-CSRF-Token", "csrf_token", "xsrf",
    "token_hash", "token.value", "token_1", "authorization", "Authorization", "http.request.header.authorization",
    "proxy-authorization", "http.request.header.proxy-authorization", "api_key", "apiKey", "API_KEY", "apikey", "x-api-key",
    "X-Api-Key", "http.request.header.x-api-key", "openai.api.key", "stripeApiKey", "access_key", "accessKey", "secret_key",
    "private_key", "privateKey", "credentials", "aws.credentials", "credential", "cookie", "Cookie", "http.request.header.cookie",
    "set-cookie", "http.response.header.set-cookie", "cvv", "card.cvc", "ssn", "user.ssn", "otp", "pin_code", "passcode",
    "app/password",
]  # fmt: skip
HARMLESS_KEYS = [
    "session.id", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.input_token", "max_token",
    "max_tokens", "tokens", "total_tokens", "token.type", "tokenizer", "tokenization", "token_count", "k8s.secret.name",
    "password.reset.count", "password_length", "keyboard", "key", "keys", "user.key", "sort_key", "partition_key", "cookie.count",
    "cookies.enabled", "secretary", "author", "authority", "authorized", "authorization_url", "option", "otp.enabled", "passive",
    "compass", "bypass", "http.route", "db.statement", "service.name", "enduser.id", "messaging.kafka.message.key",
    "spinning_code", "hotspot",
]  # fmt: skip

CARDS = [
    "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4222222222222", "4000002500003155002", "5555555555554444",
    "5555 5555 5555 4444", "2223003122003222", "2720990000000007", "378282246310005", "3782 822463 10005", "3714-496353-98431",
    "6011111111111117", "6011 0009 9013 9424", "6500000000000002", "3530111333300000", "3566 0020 2036 0505", "30569309025904",
    "3056 930902 5904", "38520000023237", "6200000000000005",
]  # fmt: skip

# Text in, text out.
SECRETS: Mapping[str, str] = {
    "paid with 4111 1111 1111 1111": f"paid with {MARK}",
    "card 4111 1111 1111 1111 12/27": f"card {MARK} 12/27",
    "4111111111111111 5555555555554444": f"{MARK} {MARK}",
    '{"pan":"4111111111111111","exp":"1227"}': f'{{"pan":"{MARK}","exp":"1227"}}',
    '{"pan":4111111111111111,"a":{"otp":null}}': f'{{"pan":"{MARK}","a":{{"otp":"{MARK}"}}}}',
    "pan=4111111111111111;": f"pan={MARK};",
    "Authorization: Bearer abcdef123456": f"Authorization: {MARK}",
    "authorization=Basic dXNlcjpwYXNz": f"authorization={MARK}",
    "authorization: token 0123456789abcdef": f"authorization: {MARK}",
    "sent Bearer abcdef123456 to x": f"sent {MARK} to x",
    "Cookie: theme=dark; sid=s3cr3t": f"Cookie: {MARK}",
    "Set-Cookie: sid=s3cr3t; Path=/\nHost: x": f"Set-Cookie: {MARK}\nHost: x",
    "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl.": f"got {MARK}.",
    "id AKIAIOSFODNN7EXAMPLE used": f"id {MARK} used",
    "AIzaSyA1234567890abcdefghijklmnopqrstuvw": MARK,
    "ghp_0123456789abcdefghijABCDEFGHIJ012345": MARK,
    "github_pat_11ABCDEFG0abcdefghijkl_mnop": MARK,
    "glpat-0123456789abcdefghij": MARK,
    "xoxb-123456789012-abcdefghijkl": MARK,
    "sk_live_0123456789abcdefghij": MARK,
    "rk_test_0123456789abcdefghij": MARK,
    "sk-0123456789abcdefghijABCDEFGHIJ0123456789abcdefgh": MARK,
    "sk-proj-abc_def-0123456789": MARK,
    "sk-ant-api03-0123456789abcdef": MARK,
    "before\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----\nafter": f"before\n{MARK}\nafter",
    "-----BEGIN OPENSSH PRIVATE KEY-----\ncut off": MARK,
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----": MARK,
    "postgres://app:hunter2@db:5432/shop": f"postgres://{MARK}@db:5432/shop",
    "redis://:hunter2@cache:6379/0": f"redis://{MARK}@cache:6379/0",
    "amqp://u:p@ss:w@mq/x": f"amqp://{MARK}@mq/x",
    "login with password=hunter2 failed": f"login with password={MARK} failed",
    "Server=db;User=app;Password=hunter2;Timeout=3": f"Server=db;User=app;Password={MARK};Timeout=3",
    "password: 'two words' user: x": f"password: {MARK} user: x",
    '{"user":"x","password":"hun\\"ter2","n":1}': f'{{"user":"x","password":"{MARK}","n":1}}',
    '{"password" : "hunter2"}': f'{{"password" : "{MARK}"}}',
    '{"pin_code":1234,"a":1}': f'{{"pin_code":"{MARK}","a":1}}',
    '{"token":["abc","def"],"a":1}': f'{{"token":"{MARK}","a":1}}',
    '{"secret":{"k":"v"},"a":1}': f'{{"secret":"{MARK}","a":1}}',
    '"{\\"password\\":\\"hunter2\\",\\"a\\":1}"': f'"{{\\"password\\":{MARK},\\"a\\":1}}"',
    '{"authorization":"Basic eA==","a":1}': f'{{"authorization":"{MARK}","a":1}}',
    "{'db_pwd': 'hunter2'}": f"{{'db_pwd': {MARK}}}",
    "GET /x?token=abc&page=2": f"GET /x?token={MARK}&page=2",
    "/x?access_token=abc&api_key=def#frag": f"/x?access_token={MARK}&api_key={MARK}",
    "s3/x?X-Amz-Signature=0a1b2c&X-Amz-Date=1": f"s3/x?X-Amz-Signature={MARK}&X-Amz-Date=1",
    "ssn 123-45-6789 given": f"ssn {MARK} given",
    "AB 12 34 56 C": MARK,
    "QQ AB123456C": f"QQ {MARK}",
    "RSSMRA85T10A562S": MARK,
    "DNI 12345678-Z": f"DNI {MARK}",
}
HARMLESS = [
    "4111 1111 1111 1112", "1750000000000000000", "1750000000000", "1750000000000000", "at 1750000000.123456789 s",
    "order 12345678901234567890", "5f0c1d2e3a4b5c6d7e8f901234567890", "4bf92f3577b34da6a3ce929d0e0e4736", "41111111111111111111",
    "x4111111111111111", "4111111111111111x", "41111111-1111-4111-8111-111111111111", "2023-11-14T22:13:20.000000000Z",
    "10.1.2.3:8080", "http://host:8080/path", "http://host:80/a@b", "https://example.com/@user", "SELECT token_type FROM t",
    "tokens: 512 in 3 s", "tokenizer: gpt2", "the password was changed", "a secret garden", "keyboard: us, language: de",
    "555-123-4567", "000-12-3456", "666-12-3456", "1234-56-7890", "user@example.com", "basic auth", "AKIASHORT", "eyJ.not.jwt",
    "sk-short", "cache miss for key user:7", "compass: north", "version 1.2.3-rc.4", "",
]  # fmt: skip
NUMBERS_PER_QUERY = 200


def redact(store: Store, texts: Sequence[str], options: RedactionOptions | None = None, *, bytes_max: int = BYTES_MAX) -> list[str]:
    """Texts as the engine stores them."""
    chosen = options or RedactionOptions()
    expression = f"if({is_suspicious('v', chosen, bytes_max=bytes_max)}, {treat('v', chosen, bytes_max=bytes_max)}, v)"
    (row,) = rows(store, f"SELECT arrayMap(v -> {expression}, {{texts:Array(String)}})", texts=list(texts))
    result: list[str] = row[0]
    return result


def secret(store: Store, keys: Sequence[str], options: RedactionOptions | None = None) -> dict[str, bool]:
    """Which keys name a secret."""
    (row,) = rows(
        store, f"SELECT arrayMap(k -> {is_secret_key('k', options or RedactionOptions())}, {{keys:Array(String)}})", keys=list(keys)
    )
    return dict(zip(keys, map(bool, row[0]), strict=True))


def test_keys_that_name_a_secret(embedded: Store) -> None:
    """A value is taken out when the last word of its key is a secret's, however the words are joined."""
    assert [key for key, found in secret(embedded, SECRET_KEYS).items() if not found] == []


def test_keys_that_only_sound_like_one(embedded: Store) -> None:
    """Counters, names, settings and ids that contain such a word keep their values."""
    assert [key for key, found in secret(embedded, HARMLESS_KEYS).items() if found] == []


def test_a_team_adds_keys_of_its_own(embedded: Store) -> None:
    """A configured name matches as a whole word, in keys of every writing and inside texts."""
    options = RedactionOptions(keys=("badge_number", "iban"))
    keys = ["badge_number", "badge.number", "badgeNumber", "user.badge-number", "BADGE_NUMBER", "iban", "customer.iban", "customerIban"]
    assert all(secret(embedded, keys, options).values())
    assert not any(secret(embedded, ["ibanez", "badge", "caliban", "badge_number_count"], options).values())
    texts = ['{"iban":"DE89370400440532013000"}', "Iban: DE89 rejected", "caliban: monster"]
    assert redact(embedded, texts, options) == [f'{{"iban":"{MARK}"}}', f"Iban: {MARK} rejected", "caliban: monster"]


def test_nothing_in_a_configured_key_is_taken_for_a_pattern(embedded: Store) -> None:
    """A key with characters that mean something to a regular expression, or to SQL, means itself."""
    options = RedactionOptions(keys=("a+b(c", "it's"))
    assert secret(embedded, ["a+b(c", "aab(c", "it's", "its"], options) == {"a+b(c": True, "aab(c": False, "it's": True, "its": False}


def test_secrets_inside_texts(embedded: Store) -> None:
    """The secret goes, the text around it stays readable."""
    found = dict(zip(SECRETS, redact(embedded, list(SECRETS)), strict=True))
    assert found == SECRETS


@pytest.mark.parametrize("around", ["{}", "card {} declined", "pan={}", '"{}"', "({}),", "{}\n"])
def test_cards_of_every_issuer(embedded: Store, around: str) -> None:
    """A card number goes, in one piece or in groups, wherever it stands."""
    given = [around.format(card) for card in CARDS]
    assert redact(embedded, given) == [around.format(MARK)] * len(CARDS)


def test_what_is_no_secret_stays(embedded: Store) -> None:
    """Times, ids, addresses, telephone numbers and ordinary words are left as they are."""
    found = dict(zip(HARMLESS, redact(embedded, HARMLESS), strict=True))
    assert {text: kept for text, kept in found.items() if kept != text} == {}


def test_no_id_is_taken_for_a_card(embedded: Store) -> None:
    """Thousands of UUIDs, trace ids, epoch times of a century in three units and counters stay."""
    chance = random.Random(5)
    uuids = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(4000)]
    digits = ["-".join(("".join(chance.choices("23456", k=n))) for n in (8, 4, 4, 4, 12)) for _ in range(1000)]
    times = [str(chance.randrange(10**9, 2 * 10**9) * 10**power) for power in (3, 6, 9) for _ in range(1000)]
    ids = [chance.randbytes(16).hex() for _ in range(3000)] + [str(chance.randrange(10**19, 10**20)) for _ in range(1000)]
    texts = [*uuids, *digits, *times, *ids]
    found: list[str] = []
    for start in range(0, len(texts), 1000):
        found += redact(embedded, texts[start : start + 1000])
    assert [text for text, kept in zip(texts, found, strict=True) if text != kept] == []


def test_redacting_twice_is_redacting_once(embedded: Store) -> None:
    """What was redacted, here or upstream, does not change any more."""
    once = redact(embedded, list(SECRETS))
    assert redact(embedded, once) == once


def test_json_stays_json(embedded: Store) -> None:
    """What was JSON before is JSON afterwards, with the same members."""
    given = [text for text in SECRETS if text.startswith('{"')]
    for text, kept in zip(given, redact(embedded, given), strict=True):
        assert orjson.loads(kept).keys() == orjson.loads(text).keys()


def test_addresses_only_when_asked(embedded: Store) -> None:
    """E-mail addresses are ids in many systems: they stay unless the option says otherwise."""
    text = "mail jane.doe+x@mail.example.co.uk now"
    assert redact(embedded, [text]) == [text]
    assert redact(embedded, [text], RedactionOptions(email=True)) == [f"mail {MARK} now"]


def test_each_kind_has_its_switch(embedded: Store) -> None:
    """Cards and national ids can be let through, one by one; all of redaction can be off."""
    texts = ["4111111111111111", "123-45-6789", "password=hunter2"]
    assert redact(embedded, texts, RedactionOptions(payment_cards=False)) == ["4111111111111111", MARK, f"password={MARK}"]
    assert redact(embedded, texts, RedactionOptions(national_ids=False)) == [MARK, "123-45-6789", f"password={MARK}"]
    assert redact(embedded, texts, RedactionOptions(enabled=False)) == texts
    assert not any(secret(embedded, SECRET_KEYS, RedactionOptions(enabled=False)).values())


@pytest.mark.parametrize("enabled", [True, False])
def test_long_texts_are_cut_at_a_character(embedded: Store, enabled: bool) -> None:
    """A text over the limit ends at a whole character and says that it was cut; one at the limit is whole."""
    options = RedactionOptions(enabled=enabled)
    for character in ("x", "é", "€", "🛎"):
        for shift in range(4):
            text = "a" * shift + character * 200
            (kept,) = redact(embedded, [text], options, bytes_max=256)
            if len(text.encode()) <= 256:
                assert kept == text
                continue
            assert kept.endswith(CUT_MARK)
            whole = kept.removesuffix(CUT_MARK)
            assert text.startswith(whole)
            assert 256 - len(character.encode()) < len(whole.encode()) <= 256


def test_a_secret_behind_the_cut_is_gone_and_one_before_it_redacted(embedded: Store) -> None:
    """Cutting hides nothing from redaction."""
    text = "password=hunter2 " + "x" * 300 + " password=hunter3"
    assert redact(embedded, [text], bytes_max=256) == [f"password={MARK} {'x' * 239}{CUT_MARK}"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.from_regex(r"[0-9]{1,24}", fullmatch=True), min_size=NUMBERS_PER_QUERY, max_size=NUMBERS_PER_QUERY))
def test_luhn_agrees_with_the_definition(embedded: Store, numbers: list[str]) -> None:
    """The check that the engine runs is the one that the standard gives."""
    (row,) = rows(embedded, f"SELECT arrayMap(n -> {luhn_holds('n')}, {{numbers:Array(String)}})", numbers=numbers)
    assert [bool(held) for held in row[0]] == [luhn(digits) for digits in numbers]


def luhn(digits: str) -> bool:
    """The check, written the other way round: pairs from the right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=50, max_size=50))
def test_any_text_survives_the_look(embedded: Store, texts: list[str]) -> None:
    """Whatever a text holds, looking at it fails nothing and changes nothing but what reads like a secret."""
    for text, kept in zip(texts, redact(embedded, texts), strict=True):
        assert kept == text or MARK in kept


def test_first_look_misses_nothing(embedded: Store) -> None:
    """Whatever the close look would change, the cheap first look finds: treating everything gives the same."""
    options = RedactionOptions()
    texts = [*SECRETS, *HARMLESS, *CARDS, *(f"{text} and {other}" for text, other in zip(SECRETS, HARMLESS, strict=False))]
    (row,) = rows(embedded, f"SELECT arrayMap(v -> {treat('v', options, bytes_max=BYTES_MAX)}, {{texts:Array(String)}})", texts=texts)
    assert row[0] == redact(embedded, texts, options)


def test_expressions_stay_few(embedded: Store) -> None:
    """The close look copies its argument into each step: the SQL grows with the number of shapes, not with its square."""
    text = treat("v", RedactionOptions(), bytes_max=BYTES_MAX)
    assert len(re.findall(r"replaceRegexpAll", text)) < 20
    assert number(embedded, f"SELECT {treat(chr(118), RedactionOptions(), bytes_max=BYTES_MAX)} FROM (SELECT 'x' AS v)") == "x"
