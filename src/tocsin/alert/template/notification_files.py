"""Template files of a configuration, by patterns: `templates/*.tmpl`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tocsin.alert.template.lexer import TEXT_CHARS_MAX
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.errors import ConfigError, ParseError

FILES_MAX = 1_000


def read_template_files(patterns: Iterable[str], external_url: str = "") -> NotificationTemplates:
    """
    All templates that the patterns find; of one name that comes twice the later file's holds, files of a pattern by name.

    Args:
        patterns: Paths with `*`, `?` and `[...]`, absolute or from the working directory; one that finds nothing is none's mistake.
        external_url: Where people reach this server.

    Raises:
        ConfigError: Files can't be read, or don't read as templates; says all of them.
    """
    texts: dict[str, str] = {}
    mistakes: list[str] = []
    for path in [path for pattern in patterns for path in _found(pattern)][:FILES_MAX]:
        try:
            text = Path(path).read_text(encoding="utf-8")
            if len(text) > TEXT_CHARS_MAX:
                mistakes.append(f"{path}: it has more than {TEXT_CHARS_MAX:,} characters")
                continue
            NotificationTemplates.read({path: text})
            texts[path] = text
        except ParseError as error:
            mistakes.append(str(error))
        except (OSError, UnicodeError) as error:
            mistakes.append(f"{path} can't be read: {error}")
    if mistakes:
        raise ConfigError("; ".join(mistakes), key="templates")
    return NotificationTemplates.read(texts, external_url)


def _found(pattern: str) -> list[str]:
    """Files that a pattern finds, by name."""
    path = Path(pattern)
    if not path.name:
        return []
    root = Path(path.anchor or ".")
    return sorted(str(one) for one in root.glob(str(path.relative_to(root) if path.anchor else path)))
