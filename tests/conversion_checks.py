"""What every conversion must fulfil."""

import numpy as np

from keras_pnnh import pass_through
from keras_pnnh.auditing import audit
from keras_pnnh.pass_through.conversion.results import compute_logits


def noise(model, seed=1):
    """Images of different contrast, beyond any clip."""
    sizes = [size for size in model.input_shape[1:]]
    rng = np.random.default_rng(seed)
    # As many as the certificate has: JAX compiles for every batch size.
    scale = np.array([1, 10, 30, 100, 2, 5, 20, 50]).reshape(-1, 1, 1, 1)
    return (scale * rng.standard_normal((8, *sizes))).astype("float32")


def relative_difference(model, converted, images):
    want, got = (compute_logits(net, images) for net in (model, converted))
    scale = np.abs(want).max()
    assert np.isfinite(scale) and scale > 1e-3
    # Other images, other answers: a constant would fit any conversion.
    assert np.ptp(want, axis=0).max() > 0.01 * scale
    return np.abs(want - got).max() / scale


def convert(model, same_macs=True):
    """Convert, compare on images of our own, and read the certificate."""
    plain, certificate = pass_through.from_residual(model)
    assert relative_difference(model, plain, noise(model)) < 1e-5
    assert certificate.largest_relative_difference < 1e-5
    assert certificate.top1_agreement == 1
    assert certificate.exact_until is None
    report = audit(plain)
    assert report.chain
    assert report.pass_through_channels == certificate.pass_through_channels
    if same_macs:
        assert report.macs == certificate.source_macs == audit(model).macs
    return plain, certificate


def write_out(model, plain):
    """Written out: equal, of standard layers, of the predicted cost."""
    predicted = audit(plain)
    written_out = pass_through.write_out(plain)
    assert "keras_pnnh" not in written_out.to_json()
    assert relative_difference(model, written_out, noise(model)) < 1e-5
    report = audit(written_out)
    assert report.plain and report.pass_through_channels == 0
    assert report.macs == report.written_out_macs == predicted.written_out_macs
    assert report.parameters == predicted.written_out_parameters
    return written_out
