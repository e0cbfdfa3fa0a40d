"""What is asked of every published file: the bytes, the network, the labels."""

import keras
import numpy as np

from keras_pnnh.applications import create_model
from keras_pnnh.weights import digest, hub, registry


def check(name, images):
    """Download, verify and convert published weights.

    The converted network must compute what the published one computes, and
    the second network must come from the cache.

    Args:
        name: As in `keras_pnnh.list_weights()`.
        images: A batch for the networks.

    Returns:
        The scores of the converted network.
    """
    entry = registry.WEIGHTS[name]
    path = hub.fetch(
        entry.repo_id,
        entry.revision,
        entry.filename,
        entry.sha256,
        entry.size,
    )
    assert digest.difference(path, entry.sha256) is None
    print(f"\n{name}: {path.stat().st_size:,} bytes, SHA-256 as pinned")
    variant, _, tag = name.partition(".")
    chain = create_model(variant, weights=tag)
    residual = create_model(
        variant, weights=tag, internal_path="residual", local_files_only=True
    )
    scores, expected = (
        keras.ops.convert_to_numpy(model(images, training=False))
        for model in (chain, residual)
    )
    difference = float(np.abs(scores - expected).max())
    print(f"{name}: the converted network differs by {difference:.1e}")
    assert np.isfinite(scores).all()
    assert difference < 1e-3
    return scores
