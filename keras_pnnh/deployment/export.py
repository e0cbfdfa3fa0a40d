"""From a Keras model to a file of another runtime, verified."""

import sys
import warnings
from pathlib import Path

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.deployment import checks
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.deployment.process import TIME_LIMIT, TimeLimitError
from keras_pnnh.deployment.report import ExportReport
from keras_pnnh.deployment.run_file import describe_runtime, run_file
from keras_pnnh.deployment.worker import write_elsewhere
from keras_pnnh.files import (
    replace_folder_when_complete,
    replace_when_complete,
)

PROBE_IMAGES = 8
OUR_MODULES = ("keras", "keras_pnnh")


def export(
    model: keras.Model,
    path: str | Path,
    format: str,
    representative: np.ndarray | None = None,
    verify: bool = True,
    probe: np.ndarray | None = None,
    time_limit: float | None = TIME_LIMIT,
) -> ExportReport:
    """Write a model for another runtime and compare the two.

    The file is run in its own runtime before it gets its name, so what stands
    under `path` afterwards computes what the model computes. Fold a model
    first: `export(keras_pnnh.fold(model), ...)`.

    Every backend can export to every format. What another backend has to
    write (`"torch"` from JAX, say) goes through a `.keras` file into a process
    with that backend, which must be installed.

    Args:
        model: A built `keras.Model`, functional or sequential, with one input
            and one result.
        path: File to write, which is replaced if it exists. For
            `"saved_model"` a folder: one of an earlier export is replaced,
            one that holds anything else is refused.
        format: `"saved_model"` (TensorFlow), `"litert"` (LiteRT, float32),
            `"litert_int8"` (quantised after training; images and results stay
            float32), `"onnx"`, or `"torch"` (`torch.export`).
        representative: For `"litert_int8"`: images that the network will
            meet, some hundred, of shape `(n, height, width, channels)`. They
            decide the ranges of the integers.
        verify: Whether to run the file and compare.
        probe: Images to compare on. Defaults to `representative` or else to
            8 images of noise from 0 to 255.
        time_limit: Seconds that each process may take, where another one has
            to write or run the file; None for no limit.

    Returns:
        An `ExportReport`: `print` it.

    Raises:
        ValueError: If the model or the images do not fit, a layer cannot be
            expressed in the format, the file computes something else than
            the model, or a process took too long. Nothing is written then.
        ModuleNotFoundError: If a package is not installed.
        OSError: If the file cannot be written.
    """
    form = get_format(format)
    checks.check_model(model)
    path = Path(path)
    _check_path(path, form)
    writer = checks.writer(form)
    checks.check_packages(form, writer)
    representative = _check_representative(representative, form, model)
    images = _choose_probe(probe, representative, model) if verify else None
    with _replace(path, form) as unfinished:
        _write(writer, form, model, unfinished, representative, time_limit)
        report = ExportReport(
            form.name,
            str(path),
            _size(unfinished),
            writer,
            describe_runtime(form),
        )
        if images is not None:
            results = run_file(
                unfinished, form.name, images, time_limit=time_limit
            )
            report = _compare(report, model, images, results)
            _refuse_difference(report, form)
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


def _choose_probe(probe, representative, model):
    if probe is not None:
        return checks.check_images(probe, model, "probe")
    if representative is not None:
        return checks.check_images(representative, model, "representative")
    shape = model.inputs[0].shape[1:]
    noise = np.random.default_rng(0).uniform(0, 255, (PROBE_IMAGES, *shape))
    return noise.astype("float32")


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


def _size(path):
    if path.is_file():
        return path.stat().st_size
    return sum(
        part.stat().st_size for part in path.rglob("*") if part.is_file()
    )


def _compare(report, model, probe, results):
    expected = np.asarray(model.predict(probe, batch_size=250, verbose=0))
    if results.shape != expected.shape:
        raise ValueError(
            "An exported file must give results of the model's shape. "
            f"Received: {results.shape} from {report.runtime}, "
            f"{expected.shape} from Keras."
        )
    difference = np.abs(results - expected)
    # NaN compares as nothing; it must not pass for small.
    largest = float(np.where(np.isnan(difference), np.inf, difference).max())
    scale = float(np.abs(expected).max())
    same = results.argmax(-1) == expected.argmax(-1)
    return report._replace(
        images=len(probe),
        largest_difference=largest,
        relative_difference=largest / scale if scale else largest,
        top1_agreement=float(same.mean()),
    )


def _refuse_difference(report, form):
    # What rounds on purpose must be finite, no more.
    limit = sys.float_info.max if form.tolerance is None else form.tolerance
    if not report.relative_difference <= limit:
        raise ValueError(
            "An exported file must compute what the model computes, to "
            f"{limit:.0g} of its largest result. Received: a difference of "
            f"{report.relative_difference:.2g} between Keras and "
            f"{report.runtime}. Nothing was written. Try another format, or "
            "`verify=False` to look into it."
        )
