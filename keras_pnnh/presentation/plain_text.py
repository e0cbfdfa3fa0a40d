"""Text from files and strangers, shown as text."""

import re

# Joiners of Indic, Arabic and Persian letters, and of emoji.
JOINERS = "\u200c\u200d"


def as_plain_text(text: object) -> str:
    """A string that a terminal, a plot or a document shows as it is.

    Class names and file names come from archives and the network. Control
    characters, escape codes, signs that turn the direction of writing and
    bytes that are no text are written as `\\x1b`, `\\u202e` and the like;
    every other character stays.

    Args:
        text: Anything with a `str`.

    Example:

    >>> from keras_pnnh.presentation.plain_text import as_plain_text
    >>> print(as_plain_text("cat\\x1b[2J [tabby]"))
    cat\\x1b[2J [tabby]
    """
    return "".join(
        character
        if character.isprintable() or character in JOINERS
        else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def as_markdown_text(text: object) -> str:
    """`as_plain_text` for a document in Markdown, whose signs it escapes.

    Example:

    >>> from keras_pnnh.presentation.plain_text import as_markdown_text
    >>> print(as_markdown_text("<b>[cat](x)"))
    \\<b\\>\\[cat\\](x)
    """
    return re.sub(r"([\\`*_\[\]<>#|~!&$])", r"\\\1", as_plain_text(text))
