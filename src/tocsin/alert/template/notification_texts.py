"""
Fills in the templates of a configuration for one notification: default templates, template files, and texts of receivers.

    texts = NotificationTemplates.read({"own.tmpl": '{{ define "x" }}...{{ end }}'}).for_notification(notification, page, now=now)
    texts.text('{{ template "x" . }}')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from tocsin.alert.page.text import PageText
from tocsin.alert.template.default_templates import DEFAULT_TEMPLATES
from tocsin.alert.template.notification_data import NotificationData
from tocsin.alert.template.notification_functions import FUNCTION_NAMES, HtmlPrinter, notification_functions
from tocsin.alert.template.parser import Tree
from tocsin.alert.template.template import Template, read_library
from tocsin.errors import ParseError, TocsinError
from tocsin.model.instant import Instant
from tocsin.model.notification import Notification

TEMPLATES_KEPT = 1024
ACTION = "{{"


@dataclass(frozen=True, slots=True)
class NotificationTemplates:
    """
    All templates of a configuration. Safe to use from several threads.

    Args:
        library: Templates by name.
        external_url: Where people reach this server.
    """

    library: Mapping[str, Tree]
    external_url: str = ""

    @classmethod
    def read(cls, files: Mapping[str, str] | None = None, external_url: str = "") -> NotificationTemplates:
        """
        Read template files; what they define comes before our own of the same name.

        Args:
            files: Texts by the name of their file.
            external_url: Where people reach this server.

        Raises:
            ParseError: One does not read; says which.
        """
        library = read_library({"": DEFAULT_TEMPLATES}, FUNCTION_NAMES)
        for name, text in (files or {}).items():
            try:
                library |= read_library({name: text}, FUNCTION_NAMES)
            except ParseError as error:
                raise ParseError(f"{name}: {error}", position=error.position) from error
        return cls(library, external_url)

    def for_notification(self, notification: Notification, page: PageText, *, now: Instant, alerts_max: int = 0) -> NotificationTexts:
        """What fills in texts for one notification."""
        return NotificationTexts(self, NotificationData(notification, page, self.external_url, alerts_max=alerts_max), now)


@dataclass(frozen=True, slots=True)
class NotificationTexts:
    """
    Fills in texts for one notification.

    Args:
        templates: Those of the configuration.
        data: What `.` is.
        now: The present.
    """

    templates: NotificationTemplates
    data: NotificationData
    now: Instant

    def text(self, text: str) -> str:
        """
        A text filled in.

        Raises:
            ParseError: It does not read, InvalidInput: it can't be filled in.
        """
        return self._filled(text, html=False)

    def html(self, text: str) -> str:
        """A text filled in as HTML: values can bring no markup."""
        return self._filled(text, html=True)

    def text_or(self, text: str, instead: str) -> str:
        """The same, with something else where it can't be: a broken text must not keep a page from going out."""
        try:
            return self.text(text)
        except TocsinError:
            return instead

    def html_or(self, text: str, instead: str) -> str:
        """As `text_or`, of HTML."""
        try:
            return self.html(text)
        except TocsinError:
            return instead

    def _filled(self, text: str, *, html: bool) -> str:
        if ACTION not in text:
            return text
        template = Template(parse_text(text).tree, self.templates.library)
        return template.execute(self.data, notification_functions(self.now), printer=HtmlPrinter() if html else None)


@lru_cache(maxsize=TEMPLATES_KEPT)
def parse_text(text: str) -> Template:
    """
    A text of a receiver, read.

    Raises:
        ParseError: It does not read; says where, and what was expected.
    """
    return Template.parse(text, FUNCTION_NAMES)
