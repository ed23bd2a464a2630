"""
Mail: text and HTML over SMTP.

The Message-ID is made of the notification's key, so that a mail that is sent twice is the same mail; with threading the mails of one group
answer a root that nobody sent, as Alertmanager's do.
Source: RFC 5321, RFC 5322, RFC 3834 (Auto-Submitted); Alertmanager documentation, 'Configuration', email_config.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses

from tocsin.alert.notify.channel import scrubbed
from tocsin.alert.notify.deadline import Deadline
from tocsin.alert.notify.filling import Filling, needed
from tocsin.alert.notify.tls import tls_context
from tocsin.alert.page.text import PageText, clean, one_line
from tocsin.alert.routing.receivers import EmailConfig
from tocsin.alert.template.notification_texts import NotificationTexts
from tocsin.errors import ConfigError, DeliveryError
from tocsin.model.instant import EPOCH
from tocsin.model.notification import Notification

SUBJECT_CHARS_MAX = 500
BODY_CHARS_MAX = 1_000_000
RECIPIENTS_MAX = 100
IMPLICIT_TLS_PORT = 465
DEFAULT_PORT = 25
STEPS = 4  # a mail may take so many times the limit of one step
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PASSING_FROM, PASSING_TO = 400, 500  # SMTP's replies of the kind 'not now'

_HEADER_NAME = re.compile(r"[!-9;-~]+")
_ADDRESS = re.compile(r"[^@\s<>,;\"\\\x00-\x1f]+@[^@\s<>,;\"\\\x00-\x1f]+")
_OURS = frozenset({"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding"})


class EmailChannel:
    """
    Sends mails.

    Args:
        name: `email/0`.
        config: To whom, and by which server.
        filling: Fills in texts.
        timeout_s: Longest time for one step with the server, seconds.
    """

    def __init__(self, name: str, config: EmailConfig, filling: Filling, timeout_s: float) -> None:
        self.name = name
        self.send_resolved = config.send_resolved
        self._config = config
        self._filling = filling
        self._timeout_s = timeout_s
        self._host, self._port = _server(config.smarthost)
        self._tls = tls_context(config.tls_config)
        held = (config.auth_password, config.auth_secret)
        self._secrets = [secret.get_secret_value() for secret in held if secret is not None]

    def send(self, notification: Notification, page: PageText) -> str:
        """Send one mail to all addresses; returns who took it."""
        texts = self._filling.of(notification, page)
        sender = _addresses(needed(texts, "from", self._config.sender), "from")[0]
        recipients = _addresses(needed(texts, "to", self._config.to), "to")
        message = self._message(notification, page, texts, sender, recipients)
        try:
            refused = self._sent(message, sender, recipients)
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refused(list(error.recipients.values())) from None
        except smtplib.SMTPResponseException as error:
            raise self._refused([(error.smtp_code, error.smtp_error)]) from None
        except (smtplib.SMTPNotSupportedError, smtplib.SMTPException) as error:
            lasting = isinstance(error, smtplib.SMTPNotSupportedError)
            raise DeliveryError(f"the mail server {self._host} can't be used: {self._said(error)}", lasting=lasting) from None
        except UnicodeError as error:
            raise DeliveryError(f"{type(error).__name__}: names and passwords of mail servers are ASCII", lasting=True) from None
        except OSError as error:
            raise DeliveryError(f"the mail server {self._host} can't be reached: {self._said(error)}") from None
        said = f"{self._host} took it for {len(recipients) - len(refused)} of {len(recipients)}"
        return f"{said}; refused: {self._said(', '.join(refused))}" if refused else said

    def close(self) -> None:
        """Nothing is kept open."""

    def _sent(self, message: EmailMessage, sender: str, recipients: Sequence[str]) -> Collection[str]:
        """Addresses that were refused while others were not."""
        with Deadline(STEPS * self._timeout_s) as deadline:
            try:
                server = self._connected(deadline)
                try:
                    self._login(server)
                    return server.send_message(message, sender, recipients)
                finally:
                    _leave(server)
            except (smtplib.SMTPException, OSError, DeliveryError):
                if deadline.over:
                    raise DeliveryError(f"the mail server {self._host} gives no whole answer in time") from None
                raise

    def _connected(self, deadline: Deadline) -> smtplib.SMTP:
        config = self._config
        implicit = self._port == IMPLICIT_TLS_PORT if config.force_implicit_tls is None else config.force_implicit_tls
        if implicit:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, config.hello, timeout=self._timeout_s, context=self._tls)
            deadline.watch(server.sock)
            return server
        server = smtplib.SMTP(self._host, self._port, config.hello, timeout=self._timeout_s)
        deadline.watch(server.sock)
        try:
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                server.starttls(context=self._tls)
                deadline.watch(server.sock)
            elif config.require_tls:
                raise DeliveryError(f"the mail server {self._host} offers no STARTTLS, and require_tls wants it", lasting=True)
        except BaseException:
            server.close()
            raise
        return server

    def _login(self, server: smtplib.SMTP) -> None:
        """By the first way that the server offers and the configuration has what it needs for."""
        config = self._config
        if not config.auth_username and not config.auth_secret and not config.auth_password:
            return
        server.ehlo_or_helo_if_needed()
        offered = server.esmtp_features.get("auth", "").upper().split()
        if config.auth_secret and "CRAM-MD5" in offered:
            self._authenticate(server, "CRAM-MD5", config.auth_secret.get_secret_value())
        elif config.auth_password and "PLAIN" in offered:
            self._authenticate(server, "PLAIN", config.auth_password.get_secret_value())
        elif config.auth_password and "LOGIN" in offered:
            self._authenticate(server, "LOGIN", config.auth_password.get_secret_value())
        else:
            ways = ", ".join(offered) or "no way"
            raise DeliveryError(
                f"the mail server {self._host} offers {scrubbed(ways, ())} to log in, none that is configured", lasting=True
            )

    def _authenticate(self, server: smtplib.SMTP, way: str, password: str) -> None:
        if way != "CRAM-MD5" and not isinstance(server.sock, ssl.SSLSocket) and self._host not in LOOPBACK:
            raise DeliveryError(f"the password is not sent to {self._host} in the clear: it offers no TLS", lasting=True)
        server.user, server.password = self._config.auth_username, password
        if way == "CRAM-MD5":
            server.auth("CRAM-MD5", server.auth_cram_md5, initial_response_ok=False)
        elif way == "PLAIN":
            identity = self._config.auth_identity
            server.auth("PLAIN", lambda _=None: f"{identity}\0{server.user}\0{server.password}")
        else:
            server.auth("LOGIN", server.auth_login)

    def _message(
        self, notification: Notification, page: PageText, texts: NotificationTexts, sender: str, recipients: Sequence[str]
    ) -> EmailMessage:
        config = self._config
        headers = {name.title(): text for name, text in config.headers.items()}
        message = EmailMessage(policy=SMTP)
        message["From"] = _mailbox(needed(texts, "header From", headers.get("From", "")), sender)
        message["To"] = ", ".join(_mailbox("", address) for address in recipients)
        message["Subject"] = one_line(texts.text_or(headers.get("Subject", page.title), page.title), SUBJECT_CHARS_MAX) or page.title
        at = EPOCH + timedelta(microseconds=self._filling.clock.now_ns() // 1000)
        message["Date"] = format_datetime(at.replace(microsecond=0))
        domain = sender.rpartition("@")[2]
        message["Message-ID"] = f"<{_token(notification.key)}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Tocsin-Notification-Key"] = one_line(notification.key, 200)
        if config.threading:
            day = f".{at:%Y-%m-%d}" if config.thread_by_date == "daily" else ""
            root = f"<{_token(notification.group_key)}{day}@{domain}>"
            message["In-Reply-To"] = message["References"] = root
        for name, text in headers.items():
            if name.lower() not in _OURS and _HEADER_NAME.fullmatch(name):
                message[name] = one_line(texts.text_or(text, ""))
        self._write(message, page, texts)
        return message

    def _write(self, message: EmailMessage, page: PageText, texts: NotificationTexts) -> None:
        """The text, and the same as HTML."""
        text = clean(texts.text_or(self._config.text, page.text), BODY_CHARS_MAX) or page.text
        message.set_content(text, cte="base64" if _long(text) else "quoted-printable")
        if self._config.html:
            html = clean(texts.html_or(self._config.html, ""), BODY_CHARS_MAX)
            if html:
                message.add_alternative(html, subtype="html", cte="base64" if _long(html) else "quoted-printable")

    def _refused(self, answers: Sequence[tuple[int, bytes | str]]) -> DeliveryError:
        code, text = answers[0]
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        lasting = not any(PASSING_FROM <= one < PASSING_TO for one, _ in answers)
        return DeliveryError(f"the mail server {self._host} answered {code}: {self._said(said)}", lasting=lasting)

    def _said(self, what: object) -> str:
        return scrubbed(str(what), self._secrets)


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; what goes wrong with it does not matter, the mail is taken or is not."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _server(smarthost: str) -> tuple[str, int]:
    """
    `mail.example:587`, or a host alone.

    Raises:
        ConfigError: The port is no number.
    """
    host, colon, port = smarthost.rpartition(":")
    if not colon:
        return smarthost, DEFAULT_PORT
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(f"smarthost is host:port, found {smarthost[:80]!r}", key="smarthost")
    return host.strip("[]"), int(port)


def _addresses(text: str, what: str) -> list[str]:
    """
    Addresses with commas between them.

    Raises:
        DeliveryError: One is none; lasting.
    """
    found = [address for _, address in getaddresses([text]) if address]
    wrong = next((address for address in found if not _ADDRESS.fullmatch(address) or not address.isascii()), None)
    if not found or wrong is not None or len(found) > RECIPIENTS_MAX:
        shown = one_line(text, 80)
        raise DeliveryError(f"{what} must hold 1 to {RECIPIENTS_MAX} mail addresses, found {shown!r}", lasting=True)
    return list(dict.fromkeys(found))


def _mailbox(text: str, address: str) -> str:
    """An address with the name that a header gives it; a header with another address does not change who sends."""
    name = next((name for name, _ in getaddresses([text]) if name), "") if text else ""
    user, _, domain = address.rpartition("@")
    return str(Address(one_line(name, 100), user, domain))


def _token(text: str) -> str:
    """What a Message-ID can hold."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:40]


def _long(text: str) -> bool:
    return len(text) > 20_000
