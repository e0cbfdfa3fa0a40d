"""How lines are told apart in every figure."""

# Okabe and Ito's palette, legible with every kind of colour blindness; the
# lines differ in their dashes and markers, too.
STYLES: tuple[tuple[str, str | tuple[int, tuple[int, int]], str], ...] = (
    ("#0072B2", "-", "o"),
    ("#D55E00", "--", "s"),
    ("#009E73", "-.", "^"),
    ("#CC79A7", ":", "D"),
    ("#56B4E9", (0, (5, 1)), "v"),
    ("#000000", (0, (1, 1)), "x"),
)
