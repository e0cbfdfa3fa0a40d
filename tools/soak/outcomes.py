"""What a trial of the soak can end in.

A trial returns one of these and a note, or raises what the library raised.
"""

RIGHT = "right"  # equal to what it should be
REFUSED = "refused"  # by a sentence: rule, what was received, repair
UNSEEN = "unseen"  # other pixels, in a format without a checksum
WRONG = "wrong"  # something else, without a word
BARE = "bare"  # an error without a sentence, a crash, or no end

OUTCOMES = (RIGHT, REFUSED, UNSEEN, WRONG, BARE)


def is_sentence(error):
    """Whether an error says what was received, not where a program broke."""
    return isinstance(
        error, (OSError, RuntimeError, TypeError, ValueError)
    ) and ("Received" in str(error))


def of_error(error):
    """Outcome and note of what a trial raised."""
    text = " ".join(str(error).split())[:300]
    note = f"{type(error).__name__}: {text}"
    return (REFUSED if is_sentence(error) else BARE), note
