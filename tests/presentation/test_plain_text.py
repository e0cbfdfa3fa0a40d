"""Text of strangers has no effect but to be read."""

import pytest

from keras_pnnh.presentation.plain_text import (
    as_markdown_text,
    as_plain_text,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat [tabby]", "cat [tabby]"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x7f\x85", r"\x7f\x85"),
        ("\u2028\u2066", r"\u2028\u2066"),
        ("\udcff.png", r"\udcff.png"),
        ("Größe 猫 👩\u200d🚀", "Größe 猫 👩\u200d🚀"),
        (12, "12"),
    ],
)
def test_what_is_shown(text, shown):
    assert as_plain_text(text) == shown
    as_plain_text(text).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[cat](http://x)", r"\[cat\](http://x)"),
        ("<script>", r"\<script\>"),
        ("a_b*c`d", r"a\_b\*c\`d"),
        ("x\n# Limits", r"x\\n\# Limits"),
        ("![i](u)|", r"\!\[i\](u)\|"),
        ("golden retriever", "golden retriever"),
    ],
)
def test_what_a_document_shows(text, shown):
    assert as_markdown_text(text) == shown
