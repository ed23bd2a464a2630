"""A server with objectives for the commands that ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from tests.api.fake_desk import FakeDesk
from tests.api.fake_slos import NOW, FakeSlos
from tests.cli.conftest import serving

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock


@contextmanager
def slo_server(slos: FakeSlos) -> Iterator[str]:
    """The address of a server over these objectives, while the block runs."""
    context = Context(desk=cast("Any", FakeDesk()), clock=ReplayClock(NOW, speed=0), slos=cast("Any", slos))
    with serving(create_application(context, hosts={"127.0.0.1"})) as address:
        yield address
