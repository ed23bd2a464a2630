"""Runbooks: within their directory, with values filled in, safe to show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InvalidInput, NotFound
from tocsin.incident.runbooks import Runbooks, Values, fill_in, html_of, steps_of
from tocsin.model.incident import Tick

VALUES = Values({"service": "checkout", "pod": "<b>x</b>"}, {"summary": "it burns"}, 14.4)
TEXT = """# Checkout of {{ $labels.service }}

Burns {{ $value }} times: {{$annotations.summary}}, {{ $labels.nothing }}, {{ $externalURL }}.

- [ ] roll back `{{ $labels.pod }}`
- [x] tell {{ $labels.pod }}
* not a step

```
- [ ] this is code for {{ $labels.service }}
```

1. [ ] look at [it](https://x/d?s={{ $labels.pod }}) and [run](javascript:alert(1))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory of runbooks, with a file beside it that is none of them."""
    (tmp_path / "outside.md").write_text("secret", encoding="utf-8")
    books = tmp_path / "books"
    (books / "deep").mkdir(parents=True)
    (books / "a.md").write_text(TEXT, encoding="utf-8")
    (books / "deep" / "b.md").write_text("no heading", encoding="utf-8")
    (books / "latin.md").write_bytes(b"\xe9")
    (books / "large.md").write_bytes(b"x" * 300_000)
    (books / "link.md").symlink_to(tmp_path / "outside.md")
    return books


def test_values_are_filled_in(folder: Path) -> None:
    """Labels, annotations and the value; what is not known stays empty, what is not understood stays as it is."""
    shown = Runbooks(str(folder)).show("a.md", VALUES)
    assert shown.title == "Checkout of checkout"
    assert "Burns 14.4 times: it burns, , {{ $externalURL }}." in shown.text
    assert Runbooks(str(folder)).show("deep/b.md", VALUES).title == "deep/b.md"


def test_steps_are_numbered_and_ticked(folder: Path) -> None:
    """Boxes of lists are steps, those in code are not; a tick of another runbook is none of this one."""
    ticks = [Tick("a.md", 2, 1, "ana_b"), Tick("other.md", 1, 1, "bob")]
    shown = Runbooks(str(folder)).show("a.md", VALUES, ticks)
    assert [(step.number, step.text, step.done and step.done.by) for step in shown.steps] == [
        (1, "roll back `<b>x</b>`", None),
        (2, "tell <b>x</b>", "ana_b"),
        (3, "look at [it](https://x/d?s=<b>x</b>) and [run](javascript:alert(1))", None),
    ]
    assert "☑ 2: tell &lt;b&gt;x&lt;/b&gt; (done by ana_b)" in shown.html


def test_values_of_strangers_become_text(folder: Path) -> None:
    """Neither markup nor an address of another place, and no script."""
    html = Runbooks(str(folder)).show("a.md", VALUES).html
    assert "<b>" not in html
    assert 'href="https://x/d?s=%3Cb%3Ex%3C%2Fb%3E"' in html
    assert 'href="javascript' not in html
    assert "<code>&lt;b&gt;x&lt;/b&gt;</code>" in html


@given(st.text(max_size=200))
def test_no_value_brings_a_tag(value: str) -> None:
    """Whatever a label says, the page has the same tags."""
    source = '# X\n\n- [ ] *X* `X` [a](https://h/X "X")\n\n| a |\n|---|\n| X |\n\n```X\nX\n```\n'.replace("X", "{{ $labels.x }}")

    def fill(text: str) -> str:
        return text.replace("{{ $labels.x }}", value)

    tags = re.compile(r"<(/?\w+)")
    assert tags.findall(html_of(source, fill)) == tags.findall(html_of(source, lambda text: text.replace("{{ $labels.x }}", "v")))


@given(st.text(max_size=300))
def test_any_markdown_can_be_shown(source: str) -> None:
    """Raw HTML is shown, not obeyed: no script, no handler, no image."""
    html = html_of(source, lambda text: text)
    assert "<script" not in html.lower()
    assert "<img" not in html.lower()
    assert len(steps_of(source)) <= source.count("[")


@pytest.mark.parametrize(
    "path", ["../outside.md", "/../outside.md", "link.md", "deep", "none.md", "a.txt", "", "a.md/../../outside.md", "\x00"]
)
def test_nothing_outside_of_the_directory_is_read(folder: Path, path: str) -> None:
    """By whatever way a rule names it."""
    with pytest.raises(NotFound, match="there is no runbook"):
        Runbooks(str(folder)).show(path, VALUES)


def test_what_can_not_be_shown_says_why(folder: Path) -> None:
    """Too large, not text, no directory; one that lies elsewhere is a link."""
    books = Runbooks(str(folder))
    with pytest.raises(InvalidInput, match="300000 bytes"):
        books.show("large.md", VALUES)
    with pytest.raises(InvalidInput, match="not UTF-8"):
        books.show("latin.md", VALUES)
    with pytest.raises(NotFound, match=r"set incident\.runbooks"):
        Runbooks("").show("a.md", VALUES)
    assert books.show("https://wiki/checkout", VALUES).url == "https://wiki/checkout"


@pytest.mark.parametrize("text", ["{{ $labels }}", "{{ $value.x }}", "{{ len $labels.service }}", "{{ }}", "{{ $annotations }}"])
def test_what_the_simple_way_does_not_know_stays(text: str) -> None:
    """A template of another kind is shown as it was written."""
    assert fill_in(text, VALUES) == text
