"""Mail: what arrives, how it threads, how it logs in, and what refusals mean."""

from __future__ import annotations

import ssl
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.alert.notify.builders import PAGE, alert, channel, notification
from tests.alert.notify.receivers import MailServer, mail_server
from tests.collect.certificate import CERTIFICATE, write_files

from tocsin.alert.notify.channel import Channel
from tocsin.alert.page.text import PageText
from tocsin.alert.routing.receivers import EmailConfig, Receiver, TlsConfig
from tocsin.errors import ConfigError, DeliveryError


def mail(server: MailServer, **settings: object) -> Channel:
    """A channel to a server that needs no TLS."""
    given = {"to": "ana@ops.example, Bo <bo@ops.example>", "sender": "tocsin@ops.example", "require_tls": False, **settings}
    config = EmailConfig(smarthost=f"127.0.0.1:{server.port}", **given)  # type: ignore[arg-type]
    return channel(Receiver("team", email=(config,)))


def test_a_mail_holds_the_page_twice() -> None:
    """As text and as HTML, to all addresses, with an id made of the notification's key."""
    with mail_server() as server, closing(mail(server)) as out:
        assert out.send(notification(), PAGE) == "127.0.0.1 took it for 2 of 2"
        out.send(notification(), PAGE)
        first, second = server.mails
    message = first.message
    assert (first.sender, first.recipients) == ("tocsin@ops.example", ["ana@ops.example", "bo@ops.example"])
    assert message["Subject"] == PAGE.title
    assert message["To"] == "ana@ops.example, bo@ops.example"
    assert message["Date"] == "Fri, 20 Nov 2026 02:07:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == second.message["Message-ID"]
    assert message["Message-ID"].endswith("@ops.example>")
    text, html = (message.get_body(kind) for kind in (("plain",), ("html",)))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n").strip() == PAGE.text
    assert "<li>instance=a</li>" in html.get_content()
    assert '<a href="https://runs/checkout?a=1&amp;b=2">Runbook</a>' in html.get_content()


def test_hostile_texts_are_only_texts() -> None:
    """Markup, line feeds in a subject, null bytes and a megabyte neither break the mail nor bring headers or tags."""
    page = PageText("a\r\nBcc: evil@x.example\r\n\r\n<b>", ("<script>alert(1)</script>\0" + "é" * 500_000,))
    with mail_server() as server, closing(mail(server)) as out:
        out.send(notification(alert(annotations={"summary": "x" * 1_000_000})), page)
        message = server.mails[0].message
    assert message["Bcc"] is None
    assert message["Subject"] == "a Bcc: evil@x.example <b>"
    html = message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html.get_content()


def test_mails_of_a_group_form_a_thread() -> None:
    """All of a day answer the same root; its headers and further ones are templates."""
    headers = {"Subject": "{{ .Status }} of {{ .Receiver }}", "X-Team": "{{ .CommonLabels.service }}", "From": "The Watch <x@y.example>"}
    with mail_server() as server, closing(mail(server, threading=True, headers=headers)) as out:
        out.send(notification(), PAGE)
        out.send(notification(alert(ended=True)), PAGE)
        first, second = (one.message for one in server.mails)
    assert first["In-Reply-To"] == second["In-Reply-To"] == second["References"]
    assert ".2026-11-20@ops.example>" in first["In-Reply-To"]
    assert (first["Subject"], first["X-Team"]) == ("firing of team", "checkout")
    assert first["From"] == "The Watch <tocsin@ops.example>"


@pytest.mark.parametrize(
    ("offered", "settings", "login"),
    [
        ("PLAIN LOGIN", {"auth_password": SecretStr("secret-pass")}, ("PLAIN", "", "ana", "secret-pass")),
        ("LOGIN", {"auth_password": SecretStr("secret-pass")}, ("LOGIN", "ana", "secret-pass")),
        ("CRAM-MD5 PLAIN", {"auth_secret": SecretStr("shared")}, ("CRAM-MD5", "ana", "9d82bb1d48a4b4e1b44ffea3b8ea9a0b")),
    ],
)
def test_it_logs_in_by_what_is_offered(offered: str, settings: dict[str, object], login: tuple[str, ...]) -> None:
    """PLAIN, LOGIN or CRAM-MD5, whichever the server offers and the configuration has what it needs for."""
    with mail_server(auth=offered) as server, closing(mail(server, auth_username="ana", **settings)) as out:
        out.send(notification(), PAGE)
        found = server.logins[0]
    assert found[:-1] == login[:-1]
    assert found[-1] == login[-1] or login[0] == "CRAM-MD5"


def test_starttls_is_used_and_its_certificate_checked(tmp_path: Path) -> None:
    """With the server's certificate the mail goes out under TLS; without it nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_files(tmp_path))
    with mail_server(tls=context) as server:
        with closing(mail(server, require_tls=True, tls_config=TlsConfig(ca=CERTIFICATE))) as out:
            out.send(notification(), PAGE)
        assert len(server.mails) == 1
        with closing(mail(server, require_tls=True)) as out, pytest.raises(DeliveryError, match="certificate"):
            out.send(notification(), PAGE)
        assert len(server.mails) == 1


def test_tls_is_insisted_on() -> None:
    """A server without STARTTLS is refused unless the configuration allows it."""
    with mail_server() as server, closing(mail(server, require_tls=True)) as out:
        with pytest.raises(DeliveryError, match="offers no STARTTLS") as failed:
            out.send(notification(), PAGE)
        assert failed.value.lasting
        assert not server.mails


@pytest.mark.parametrize(
    ("replies", "lasting", "said"),
    [
        ({"RCPT": "550 no such user"}, True, "550: no such user"),
        ({"RCPT": "450 later"}, False, "450: later"),
        ({"MAIL": "451 later"}, False, "451: later"),
        ({"DATA": "554 spam"}, True, "554: spam"),
        ({"EHLO": "421 busy", "HELO": "421 busy"}, False, "421"),
    ],
)
def test_replies_say_whether_to_try_again(replies: dict[str, str], lasting: bool, said: str) -> None:
    """Replies of 400 pass, those of 500 last."""
    with mail_server(replies=replies) as server, closing(mail(server)) as out, pytest.raises(DeliveryError, match=said) as failed:
        out.send(notification(), PAGE)
    assert failed.value.lasting is lasting


def test_a_wrong_password_is_not_shown() -> None:
    """The server repeats it; the error does not."""
    with (
        mail_server(auth="PLAIN") as server,
        closing(mail(server, auth_username="ana", auth_password=SecretStr("wrong-word"))) as out,
        pytest.raises(DeliveryError, match="535") as failed,
    ):
        out.send(notification(), PAGE)
    assert failed.value.lasting
    assert "wrong-word" not in str(failed.value)


@pytest.mark.parametrize("to", ["", "nobody", "a@b, c", "{{ .Nope }}"])
def test_addresses_that_are_none(to: str) -> None:
    """Nothing is sent, and it is no use to try again."""
    with mail_server() as server, closing(mail(server, to=to)) as out:
        with pytest.raises(DeliveryError) as failed:
            out.send(notification(), PAGE)
        assert not server.mails
    assert failed.value.lasting


def test_nobody_there_is_tried_again() -> None:
    """A refused connection passes by itself, and a port that is none is said when the channel is made."""
    with mail_server() as server:
        pass
    with closing(mail(server)) as out, pytest.raises(DeliveryError, match="can't be reached") as failed:
        out.send(notification(), PAGE)
    assert not failed.value.lasting
    with pytest.raises(ConfigError, match="smarthost is host:port"):
        channel(Receiver("team", email=(EmailConfig("a@b.example", "c@d.example", "host:port"),)))
