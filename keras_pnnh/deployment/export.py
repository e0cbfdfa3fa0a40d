"""From a Keras model to a file of another runtime, verified."""

import errno
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

import keras_pnnh
from keras_pnnh import graph
from keras_pnnh.auditing import audit
from keras_pnnh.auditing.exported_file import READERS
from keras_pnnh.deployment import checks
from keras_pnnh.deployment.comparison import compare, refuse_difference
from keras_pnnh.deployment.deployed_form import COST_LIMIT, deployed_form
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.deployment.process import TIME_LIMIT, TimeLimitError
from keras_pnnh.deployment.quantization.preparation import prepare
from keras_pnnh.deployment.report import ExportReport
from keras_pnnh.deployment.run_file import describe_runtime, run_file
from keras_pnnh.deployment.script import script_for
from keras_pnnh.deployment.worker import write_elsewhere
from keras_pnnh.files import (
    replace_folder_when_complete,
    replace_when_complete,
    size_of,
)
from keras_pnnh.pass_through.writing_out.ranges import MARGIN

PROBE_IMAGES = 8
OUR_MODULES = ("keras", "keras_pnnh")
# Of so many representative images, every fifth is compared on and does not
# calibrate.
LEAST_TO_HOLD_OUT = 20
# Size of an image where it is open and no probe says more.
OPEN_SIZE = 64
# What a full disk is called, in whatever raises it.
FULL = ("No space left on device", "Disk quota exceeded", "File too large")
FULL_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def export(
    model: keras.Model,
    path: str | Path,
    format: str,
    representative: np.ndarray | None = None,
    verify: bool = True,
    probe: np.ndarray | None = None,
    time_limit: float | None = TIME_LIMIT,
    *,
    fold: bool = True,
    keep_pass_through: bool = False,
    cost_limit: float = COST_LIMIT,
    batch_size: int | None = None,
    labels: Sequence[str] | None = None,
    preprocessing: str | None = None,
    equalize: bool = True,
    images: np.ndarray | None = None,
    margin: float | None = None,
) -> ExportReport:
    """Write a model for another runtime and compare the two.

    The file is run in its own runtime before it gets its name, so what stands
    under `path` afterwards computes what the model computes. It holds one
    chain of standard layers where the model can be one: coders and norms are
    folded, pass-through channels written out (up to a limit of cost), layers
    that do nothing in inference, such as augmentation, left out, and half
    precision becomes float32. The report says what was written.

    Every backend can export to every format. What another backend has to
    write (`"torch"` from JAX, say) goes through a `.keras` file into a process
    with that backend, which must be installed.

    Args:
        model: A built `keras.Model`, functional or sequential, with one input
            and one result.
        path: File to write, which is replaced if it exists. For
            `"saved_model"` and OpenVINO a folder: one of an earlier export is
            replaced, one that holds anything else is refused.
        format: `"saved_model"` (TensorFlow), `"litert"` (LiteRT, float32),
            `"onnx"`, `"openvino"`, or `"torch"` (`torch.export`);
            `"litert_int8"`, `"onnx_int8"`, `"openvino_int8"` (quantised after
            training; images and results stay float32).
        representative: For int8: images that the network will
            meet, some hundred, of shape `(n, height, width, channels)`. They
            decide the ranges of the integers.
        verify: Whether to run the file and compare.
        probe: Images to compare on. Defaults to every fifth of at least 20
            `representative` ones, which then do not calibrate, or else to 8
            images of noise from 0 to 255.
        time_limit: Seconds that each process may take, where another one has
            to write or run the file; None for no limit.
        fold: Whether coders and norms are folded into the kernels first.
        keep_pass_through: Whether pass-through channels, such as those of
            `weights="imagenet"`, stay slices and joins in the file, instead
            of being written out as rows of ordinary kernels.
        cost_limit: How many times the multiply-accumulates writing them out
            may cost at most. It is counted before anything is built.
        batch_size: Images in every batch that the file takes; None for any
            number.
        labels: Names of the classes, for the file's metadata (ONNX, LiteRT).
        preprocessing: What the images must be, in words, for the same.
        equalize: For int8: whether channels are scaled between layers,
            kernels rounded for what they read and biases corrected first, by
            the representative images.
        images: Some dozens of images that the network will meet. By them the
            range of the pass-through channels is fitted, which then cost
            fewer multiplications and no further layer, and are exact within
            that range only (see `write_out`). None for exact ones; in int8
            for `representative`, beyond which integers end anyway.
        margin: How far that range goes beyond the values of `images` on
            either side, relative to their width. None for 1, and for 0 in
            int8, whose integers end with the values of images anyway.

    Returns:
        An `ExportReport`: `print` it. Its `script` runs the file without
        Keras.

    Raises:
        ValueError: If the model or the images do not fit, writing out costs
            more than the limit, a layer cannot be expressed in the format,
            the file computes something else than the model, or a process took
            too long. Nothing is written then.
        ModuleNotFoundError: If a package is not installed.
        OSError: If the file cannot be written, for lack of space, say.

    Example:

    >>> import tempfile
    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = keras_pnnh.export(model, folder + "/model.onnx", "onnx")
    >>> report.format
    'onnx'
    """
    form = get_format(format)
    checks.check_model(model)
    checks.check_sizes(model, form)
    checks.check_settings(batch_size, cost_limit, labels, model)
    if images is not None:
        images = checks.check_images(images, model, "images")
    path = Path(path)
    _check_path(path, form)
    writer = checks.writer(form)
    checks.check_packages(form, writer)
    representative = _check_representative(representative, form, model)
    held_out = None
    if form.quantized and probe is None and verify:
        representative, held_out = _hold_out(representative)
    compared_on = None
    if verify:
        given = held_out if probe is None else probe
        if given is None and images is not None:
            given = images[:PROBE_IMAGES]
        compared_on = _choose_probe(given, representative, model)
    if form.quantized and images is None and not keep_pass_through:
        images = representative
    if margin is None:
        margin = 0.0 if form.quantized else MARGIN
    model, changes = deployed_form(
        model,
        fold,
        keep_pass_through,
        cost_limit,
        batch_size,
        images,
        margin,
    )
    whole = model
    if (
        representative is not None
        and form.quantized
        and equalize
        and graph.has_graph(model)
    ):
        model = prepare(model, representative, form.pairs)
        changes += ("equalised, rounded and corrected for integers",)
    with _replace(path, form) as unfinished:
        _write(writer, form, model, unfinished, representative, time_limit)
        if form.annotate:
            form.annotate(unfinished, _metadata(model, labels, preprocessing))
        given = model.inputs[0]
        report = ExportReport(
            form.name,
            str(path),
            size_of(unfinished),
            writer,
            describe_runtime(form),
            changes=changes,
            joins=_count_joins(unfinished / form.graph),
            script=script_for(
                form, path, given.shape, given.dtype, _channels_first(model)
            ),
        )
        if compared_on is not None:
            results = run_file(
                unfinished, form.name, compared_on, time_limit=time_limit
            )
            report = compare(report, whole, compared_on, results)
            refuse_difference(report, form)
    return report


def _check_path(path, form):
    if path.suffix != form.suffix and (form.suffix or path.is_file()):
        raise ValueError(
            f"A file of format '{form.name}' must be called "
            f"'*{form.suffix}'. Received: '{path}'. Try "
            f"'{path.with_suffix(form.suffix)}'."
        )


def _check_representative(images, form, model):
    if not form.quantized:
        return images
    if images is None:
        raise ValueError(
            f"Format '{form.name}' chooses the ranges of its integers by "
            "representative images. Received: representative=None. Pass some "
            "hundred images of the kind that the network will meet; noise "
            "would spoil its accuracy."
        )
    return checks.check_images(images, model, "representative")


def _hold_out(images):
    """Images to calibrate with, and others to compare on, if they are many."""
    if len(images) < LEAST_TO_HOLD_OUT:
        return images, None
    held = np.arange(len(images)) % 5 == 4
    return images[~held], images[held]


def _choose_probe(probe, representative, model):
    if probe is not None:
        return checks.check_images(probe, model, "probe")
    if representative is not None:
        return checks.check_images(representative, model, "representative")
    given = model.inputs[0]
    shape = [OPEN_SIZE if size is None else size for size in given.shape[1:]]
    noise = np.random.default_rng(0).uniform(0, 255, (PROBE_IMAGES, *shape))
    if given.dtype == "int8":
        noise -= 128
    return noise.astype(given.dtype if "int" in given.dtype else "float32")


def _metadata(model, labels, preprocessing):
    """What the file says of itself, as strings by names."""
    given = model.inputs[0]
    axes = "channels first" if _channels_first(model) else "channels last"
    sizes = ["any" if size is None else str(size) for size in given.shape]
    metadata = {
        "model": model.name,
        "input": f"{given.dtype} ({', '.join(sizes)}), {axes}",
        "written_by": f"keras_pnnh {keras_pnnh.__version__}",
    }
    if preprocessing is not None:
        metadata["preprocessing"] = preprocessing
    if labels is not None:
        metadata["labels"] = json.dumps(list(labels), ensure_ascii=False)
    return metadata


def _channels_first(model):
    """Whether the first layer that says so has the channels first."""
    if not graph.has_graph(model):
        return keras.config.image_data_format() == "channels_first"
    for call in graph.read(model).calls:
        data_format = getattr(call.layer, "data_format", None)
        if data_format is not None:
            return data_format == "channels_first"
    return False


def _count_joins(path):
    """Those that count; None where the file is not read."""
    if path.suffix not in READERS:
        return None
    try:
        return len(audit(path).joins)
    except (ModuleNotFoundError, ValueError):  # such as loops
        return None


def _replace(path, form):
    if form.suffix:
        return replace_when_complete(path)
    return replace_folder_when_complete(path)


def _write(writer, form, model, path, representative, time_limit):
    try:
        if writer == keras.backend.backend():
            with warnings.catch_warnings():
                # About their own code; the file is judged by what it does.
                warnings.simplefilter("ignore")
                form.write(model, path, representative)
        else:
            write_elsewhere(
                writer, form, model, path, representative, time_limit
            )
    except TimeLimitError:
        raise
    # Converters raise what they like.
    except Exception as error:
        full = next((words for words in FULL if words in str(error)), None)
        if full or getattr(error, "errno", None) in FULL_NUMBERS:
            raise OSError(
                errno.ENOSPC, full or getattr(error, "strerror", "")
            ) from error
        raise ValueError(
            f"Every layer must exist in format '{form.name}'. Received: model "
            f"'{model.name}', which Keras on {writer} could not write"
            f"{_foreign_layers(model, writer)}: {_shorten(error)}"
        ) from error


def _foreign_layers(model, writer):
    """Words about the layers that are most likely to blame."""
    names = {
        f"'{call.layer.name}' ({type(call.layer).__name__})"
        for call in graph.read(model).calls
        if type(call.layer).__module__.split(".")[0] not in OUR_MODULES
    }
    if not names:
        return ""
    words = f" (layers of your own: {', '.join(sorted(names))}"
    if writer != keras.backend.backend():
        words += f"; set KERAS_BACKEND={writer}, for another process does "
        words += "not know them"
    return words + ")"


def _shorten(error):
    text = " ".join(str(error).split())
    return text if len(text) < 400 else f"{text[:400]} ..."
