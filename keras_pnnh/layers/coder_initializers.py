"""Starting values of the coder: pairs of encoder (d, r) and decoder (r, d)."""

from typing import Any

import numpy as np

from keras_pnnh.theory import perfect_coders


def closed_form(filters: int, code_filters: int, seed: int) -> Any:
    """The best coder that is known in closed form for the two widths.

    Narrow: channel averages, which attain the bound `r / d` under a ReLU.
    From full width on: the identity, perfect for inputs `x >= 0`. From double
    width on: `+-` pairs, perfect for any input.
    """
    del seed  # nothing random
    if code_filters < filters:
        return perfect_coders.averaging_coder(filters, code_filters)
    if code_filters < 2 * filters:
        return perfect_coders.identity_coder(filters, code_filters)
    return _pad_code(*perfect_coders.paired_coder(filters), code_filters)


def selection(filters: int, code_filters: int, seed: int) -> Any:
    """The first channels as they are; a narrow code drops the others.

    Loses more than averages do, and leaves the other channels to the learners.
    """
    del seed
    return perfect_coders.identity_coder(filters, code_filters)


def orthogonal_pairs(filters: int, code_filters: int, seed: int) -> Any:
    """`E = [Q, -Q]`, `D = [Q', -Q']`, with as many pairs as the code holds."""
    pairs = min(code_filters // 2, filters)
    if pairs == 0:
        raise ValueError(
            "Orthogonal pairs need a code of at least 2 filters. "
            f"Received: code_filters={code_filters}."
        )
    encoder, _ = perfect_coders.paired_coder(filters, seed)
    basis = encoder[:, :pairs]
    encoder = np.concatenate([basis, -basis], axis=1)
    return _pad_code(encoder, encoder.T, code_filters)


def random(filters: int, code_filters: int, seed: int) -> Any:
    """A random orthogonal encoder and its transpose.

    Loses about half of every code at the first ReLU; here to be pretrained,
    and for the comparison.
    """
    normal = np.random.default_rng(seed).standard_normal
    widths = (max(filters, code_filters), min(filters, code_filters))
    basis, _ = np.linalg.qr(normal(widths))
    encoder = basis if filters >= code_filters else basis.T
    return encoder, encoder.T


def _pad_code(encoder, decoder, code_filters):
    spare = code_filters - encoder.shape[1]
    return (
        np.pad(encoder, ((0, 0), (0, spare))),
        np.pad(decoder, ((0, spare), (0, 0))),
    )


CODER_INITIALIZERS = {
    "closed_form": closed_form,
    "selection": selection,
    "orthogonal_pairs": orthogonal_pairs,
    "random": random,
}
