"""Receivers that drip: every byte comes in time, the whole never does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from pydantic import SecretStr
from tests.alert.notify.builders import PAGE, StillClock, notification

from tocsin.alert.notify.building import build_channels
from tocsin.alert.notify.deadline import Deadline
from tocsin.alert.routing.receivers import EmailConfig, Receiver, WebhookConfig
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.errors import DeliveryError

LIMIT_S = 0.2


@contextmanager
def dripping(first: bytes, drop: bytes) -> Iterator[int]:
    """A server that says something, then a little every 20 ms, for ever; gives its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            with suppress(OSError), listening.accept()[0] as connection:
                connection.sendall(first)
                while not over.wait(0.02):
                    connection.sendall(drop)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        over.set()
        thread.join(5)


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"], ids=["headers", "body"])
def test_a_webhook_that_drips_is_left(first: bytes) -> None:
    """In its headers or in its body: after the time limit the thread is free, and the notification is tried again."""
    with dripping(first, b"x") as port:
        receiver = Receiver("team", webhook=(WebhookConfig(SecretStr(f"http://127.0.0.1:{port}/")),))
        [hook] = build_channels(receiver, NotificationTemplates.read(), clock=StillClock(), timeout_s=LIMIT_S)
        with closing(hook), pytest.raises(DeliveryError, match="no whole answer in time") as failed:
            hook.send(notification(), PAGE)
    assert not failed.value.lasting


def test_a_mail_server_that_drips_is_left() -> None:
    """After its greeting, which came in time."""
    with dripping(b"220 here\r\n", b"2") as port:
        config = EmailConfig("a@b.example", "c@d.example", f"127.0.0.1:{port}", require_tls=False, auth_username="me")
        [mail] = build_channels(Receiver("team", email=(config,)), NotificationTemplates.read(), clock=StillClock(), timeout_s=LIMIT_S)
        with closing(mail), pytest.raises(DeliveryError, match="no whole answer in time") as failed:
            mail.send(notification(), PAGE)
    assert not failed.value.lasting


def test_what_is_watched_too_late_ends_at_once() -> None:
    """A connection that is made after the end of time is not waited for."""
    one, other = socket.socketpair()
    with one, other, Deadline(0) as deadline:
        while not deadline.over:
            threading.Event().wait(0.001)
        deadline.watch(one)
        assert one.recv(1) == b""
