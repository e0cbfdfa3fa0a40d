"""Text from files and strangers, shown as text."""

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
