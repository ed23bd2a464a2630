"""When certificates end, read from their bytes."""

from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.certificate import CERTIFICATE, NOT_AFTER_S

from tocsin.collect.certificates import not_after_s

DER = ssl.PEM_cert_to_DER_cert(CERTIFICATE)


def test_the_end_is_the_one_that_openssl_reads() -> None:
    """The test's own certificate ends when `openssl x509 -enddate` said it would."""
    assert not_after_s(DER) == NOT_AFTER_S


@pytest.mark.parametrize("length", [0, 1, 5, 40, 100])
def test_half_a_certificate_is_refused(length: int) -> None:
    """What breaks off is no certificate."""
    with pytest.raises(ValueError, match=r"breaks off|expected"):
        not_after_s(DER[:length])


@given(st.integers(min_value=0, max_value=len(DER) - 1), st.integers(min_value=0, max_value=255))
def test_a_changed_byte_gives_a_date_or_a_refusal(place: int, byte: int) -> None:
    """Whatever a server sends, reading ends, and fails with nothing but ValueError."""
    with contextlib.suppress(ValueError):
        not_after_s(DER[:place] + bytes([byte]) + DER[place + 1 :])
