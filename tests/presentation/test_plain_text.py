"""Text of strangers has no effect but to be read."""

import pytest

from keras_pnnh.presentation.plain_text import as_plain_text


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
