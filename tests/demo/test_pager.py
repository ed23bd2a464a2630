"""The demo's pager: says each page once."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tocsin.demo.pager import KEY_HEADER, Pager, listening


def _page(**more: Any) -> bytes:
    return json.dumps({"status": "firing", "alerts": [{"labels": {"alertname": "CheckoutBurns"}}], **more}).encode()


def test_a_page_is_said_once_however_often_it_comes() -> None:
    """A repeat by its key is taken, and not said again."""
    said: list[str] = []
    with listening(Pager(said.append)) as address:
        for key in ("a", "a", "b"):
            assert httpx.post(f"{address}/ada", content=_page(), headers={KEY_HEADER: key}, trust_env=False).is_success
    assert said == ["PAGER of ada: [FIRING] CheckoutBurns"] * 2


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"alerts": 3}', b'{"alerts": [3]}', b"\xff"])
def test_what_is_no_page_is_refused(body: bytes) -> None:
    """It answers with an error, and goes on."""
    pager = Pager(print)
    assert not pager.take("ada", "", body)
    assert pager.take("ada", "", _page())
