"""The network that is written: what is needed in inference, as one chain."""

from typing import Any, NamedTuple

import keras

from keras_pnnh import graph
from keras_pnnh.auditing import audit
from keras_pnnh.folding import fold
from keras_pnnh.folding.handed import folds
from keras_pnnh.folding.norms import norms_to_fold
from keras_pnnh.graph.layer_copies import LayerCopies, pack_like
from keras_pnnh.layers import PlainLayer
from keras_pnnh.pass_through import write_out
from keras_pnnh.pass_through.conversion.comparison import check_batch
from keras_pnnh.pass_through.conversion.idle_layers import is_idle
from keras_pnnh.pass_through.writing_out import (
    NotWrittenOutError,
    certify_written_out,
)
from keras_pnnh.pass_through.writing_out.ranges import MARGIN

# Writing out may at most double the multiply-accumulates.
COST_LIMIT = 2.0
# Height and width of which the costs are counted where both are open.
SIZE = 224


class Deployed(NamedTuple):
    """The network to write, and what was done to it."""

    model: keras.Model
    changes: tuple[str, ...]  # each in a few words


def deployed_form(
    model: keras.Model,
    fold_first: bool = True,
    keep_pass_through: bool = False,
    cost_limit: float = COST_LIMIT,
    batch_size: int | None = None,
    images: Any = None,
    margin: float = MARGIN,
) -> Deployed:
    """A model as it is written: in float32, folded and written out.

    Args:
        model: A built `keras.Model`; of one without a readable graph nothing
            is changed.
        fold_first: Whether coders and norms are folded.
        keep_pass_through: Whether pass-through channels stay as they are,
            slices and joins in the file.
        cost_limit: How many times the multiply-accumulates writing them out
            may cost.
        batch_size: Images in every batch; None for any number.
        images: Images by which `write_out` fits the range of what passes
            through; None for a form that is exact without one.
        margin: How far that range goes beyond the values of the images, as in
            `write_out`.

    Returns:
        A `Deployed`.

    Raises:
        ValueError: If writing out would cost more, or is impossible, or if
            `images` do not fit.
    """
    if images is not None:
        images = check_batch(model, images, "images")
        if keep_pass_through:
            raise ValueError(
                "`images` fit the range of pass-through channels that are "
                "written out. Received: `images` and keep_pass_through=True. "
                "Leave out one of the two."
            )
    if not graph.has_graph(model):
        return Deployed(model, ())
    # A range is measured in batches of other sizes.
    model, changes = _for_inference(
        model, batch_size if images is None else None
    )
    network = graph.read(model)
    layers = [call.layer for call in network.calls]
    if any(
        isinstance(layer, PlainLayer) and layer.slices_and_joins
        for layer in layers
    ):
        if not keep_pass_through:
            model, cost = _written_out(model, cost_limit, images, margin)
            model, more = _for_inference(model, batch_size)
            return Deployed(model, (*changes, cost, *more))
        changes += ("pass-through channels kept",)
    model, more = _for_inference(model, batch_size)
    network, changes = graph.read(model), (*changes, *more)
    if fold_first and (norms_to_fold(network) or any(map(folds, layers))):
        return Deployed(fold(model), (*changes, "folded"))
    return Deployed(model, changes)


def _for_inference(model, batch_size):
    """A copy in float32, without layers that do nothing in inference."""
    calls = graph.read(model).calls
    layers = [call.layer for call in calls]
    idle = [layer for layer in layers if is_idle(layer)]
    half = any(map(_is_half, layers))
    fixed = batch_size not in (None, model.inputs[0].shape[0])
    if not idle and not half and not fixed:
        return model, ()
    copies = LayerCopies()

    def copy(layer):
        changed = {}
        if fixed and isinstance(layer, keras.layers.InputLayer):
            changed["batch_shape"] = (batch_size, *layer.batch_shape[1:])
        if half and isinstance(layer, keras.layers.Layer):
            whole = "float" not in str(layer.dtype)
            changed["dtype"] = layer.dtype if whole else "float32"
        return copies.copy(layer, **changed)

    def call(layer, args, kwargs):
        if is_idle(layer) and len(keras.tree.flatten([args, kwargs])) <= 2:
            return args[0]
        copies.note_call(layer, args, kwargs)
        return copy(layer)(*args, **kwargs)

    inputs = [copy(layer).output for layer in layers[: len(model.inputs)]]
    outputs = graph.replay(model, inputs, call)
    inputs, outputs = pack_like(model, inputs, outputs)
    made = keras.Model(inputs, outputs, name=model.name)
    copies.load_weights()
    changes = []
    if fixed:
        changes.append(f"batches of {batch_size}")
    if half:
        changes.append("a float32 copy of what computes in half precision")
    if idle:
        names = ", ".join(dict.fromkeys(layer.name for layer in idle))
        changes.append(f"without {names}, idle in inference")
    return made, tuple(changes)


def _is_half(layer):
    policy = getattr(layer, "dtype_policy", None)
    if isinstance(layer, keras.layers.InputLayer):
        return "float" in layer.dtype and layer.dtype != "float32"
    compute = getattr(policy, "compute_dtype", "float32") or "float32"
    return "float" in compute and compute != "float32"


def _written_out(model, limit, images, margin):
    sizes = model.inputs[0].shape[1:]
    shape = [SIZE if size is None else size for size in sizes]
    report = audit(
        model,
        input_shape=shape if None in sizes else None,
        leave_out_unknown=True,
    )
    keep = (
        "`keep_pass_through=True` writes them as they are, which costs nothing "
        "and leaves slices and joins in the file."
    )
    macs, parameters = report.written_out_macs, report.written_out_parameters
    if images is not None:
        macs, parameters = report.in_range_macs, report.in_range_parameters
    if macs is None or parameters is None:
        try:
            return _write_out(model, images, margin)
        except NotWrittenOutError as error:
            raise ValueError(f"{error} For a file: {keep}") from error
    ratio = macs / report.macs
    words = (
        f"{macs:,} multiply-accumulates "
        f"({ratio:.2f} times those with the channels passing through), "
        f"{parameters:,} parameters "
        f"({parameters / report.parameters:.2f} times), "
        f"{4 * parameters / 1e6:,.1f} MB of weights"
    )
    if ratio > limit:
        raise ValueError(
            "Pass-through channels are written out up to a limit of cost, "
            f"{limit:g} times the multiply-accumulates. Received: model "
            f"'{model.name}', which written out costs {words}. {keep} "
            f"`cost_limit={ratio + 0.05:.1f}` writes them out all the same."
        )
    model, what = _write_out(model, images, margin)
    return model, f"{what}: {words}"


def _write_out(model, images, margin):
    """The network written out, and what that is in words."""
    words = "pass-through channels written out"
    if images is None:
        return write_out(model), words
    written_out = write_out(model, images=images, margin=margin)
    certificate = certify_written_out(model, written_out, images)
    certificate.raise_if_not_exact()
    if certificate.clipped is not None:
        words += (
            f", exact within the range of {len(images)} images (widened "
            f"by {margin:.0%} on either side; values beyond are clipped)"
        )
    return written_out, words
