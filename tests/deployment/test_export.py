"""Exported files compute what the Keras model computes, or do not exist."""

import json
import sys

import keras
import numpy as np
import pytest
from families import FAMILIES
from harness import limited_file_size

import keras_pnnh
from keras_pnnh import deployment
from keras_pnnh.deployment import checks, worker
from keras_pnnh.deployment.formats import FORMATS

BACKEND = keras.backend.backend()
HERE = [name for name, form in FORMATS.items() if BACKEND in form.backends]
NAMES = {
    "saved_model": "net",
    "litert": "net.tflite",
    "litert_int8": "net.tflite",
    "onnx": "net.onnx",
    "onnx_int8": "net.onnx",
    "openvino": "net",
    "openvino_int8": "net",
    "torch": "net.pt2",
}


@pytest.fixture(scope="module")
def models():
    """Folded networks, of convolutions and of tokens."""
    keras.utils.set_random_seed(0)
    return {
        name: keras_pnnh.fold(FAMILIES[name].build())
        for name in ("plain_resnet", "plain_vit")
    }


@pytest.fixture(scope="module")
def model(models):
    return models["plain_resnet"]


# The Transformer's file in these formats is made from that in ONNX.
FROM_ONNX = ("onnx_int8", "openvino")


@pytest.mark.parametrize(
    ("format", "family"),
    [
        pytest.param(
            *(format, family),
            marks=[pytest.mark.full_only]
            if format in FROM_ONNX and family == "plain_vit"
            else [],
        )
        for format in HERE
        for family in ("plain_resnet", "plain_vit")
    ],
)
def test_a_file_computes_what_the_model_computes(
    format, family, models, images, tmp_path
):
    model, path = models[family], tmp_path / NAMES[format]
    report = keras_pnnh.export(
        model, path, format, representative=images, probe=images
    )
    expected = model.predict(images, verbose=0)
    # Of another size than those before: the batch is not part of the file.
    results = deployment.run_file(path, format, images[:3], batch_size=2)
    difference = np.abs(results - expected[:3]).max()
    assert np.ptp(expected, axis=0).max() > 1e-3  # the images matter
    quantized = FORMATS[format].quantized
    assert difference < (0.1 if quantized else 1e-5)
    assert report.images == 4
    assert report.largest_difference == pytest.approx(difference, abs=0.1)
    assert report.relative_difference < (0.5 if quantized else 1e-4)
    assert quantized or report.top1_agreement == 1
    assert report.runtime.split()[0] == FORMATS[format].runtime
    assert f"{report.size:,} bytes" in str(report)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow writes it")
def test_int8_holds_integers_and_takes_floats(model, images, tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    whole, small = tmp_path / "whole.tflite", tmp_path / "small.tflite"
    keras_pnnh.export(model, whole, "litert")
    report = keras_pnnh.export(
        model, small, "litert_int8", representative=images
    )
    assert report.largest_difference > 0  # it does round
    interpreter = Interpreter(str(small))
    assert interpreter.get_input_details()[0]["dtype"] == np.float32
    kinds = [
        tensor["dtype"]
        for tensor in interpreter.get_tensor_details()
        if len(tensor["shape"]) == 4 and tensor["shape"][-1] == 8
    ]
    assert np.int8 in kinds


# One format that each backend leaves to another, and one that another runs.
ELSEWHERE = {"tensorflow": "torch", "jax": "onnx", "torch": "saved_model"}


def test_another_backend_writes_what_this_one_cannot(model, images, tmp_path):
    format = ELSEWHERE[BACKEND]
    report = keras_pnnh.export(
        model, tmp_path / NAMES[format], format, probe=images
    )
    assert report.writer in FORMATS[format].backends
    assert report.writer != BACKEND
    assert report.relative_difference < 1e-4


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("format", "name", "message"),
    [
        ("tflite", "net.tflite", "'litert'"),
        ("litert-int8", "net.tflite", "'litert_int8'"),
        ("onnx", "net.tflite", "Try '.*net.onnx'"),
        ("litert_int8", "net.tflite", "representative=None"),
    ],
)
def test_wrong_arguments(format, name, message, model, tmp_path):
    with pytest.raises(ValueError, match=message):
        keras_pnnh.export(model, tmp_path / name, format)
    assert not list(tmp_path.iterdir())


def unbuilt():
    return keras.Sequential([keras.layers.Dense(2)])


def of_unknown_size():
    return keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.GlobalMaxPooling2D()]
    )


def of_two_inputs():
    inputs = [keras.Input((4,)), keras.Input((4,))]
    return keras.Model(inputs, keras.layers.Add()(inputs))


def diverged():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.layers[0].bias.assign([1.0, np.nan])
    return model


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (unbuilt, "inputs are not known"),
        (of_unknown_size, r"\(None, None, None, 3\)"),
        (of_two_inputs, "with 2 inputs"),
        (diverged, "1 of 2 values not finite in '.*bias'"),
    ],
)
def test_models_that_are_refused(make, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        keras_pnnh.export(make(), tmp_path / "net.tflite", "litert")
    assert not list(tmp_path.iterdir())


@pytest.mark.torch_only
def test_images_that_are_refused(model, images, tmp_path):
    for argument in ("representative", "probe"):
        for wrong, message in (
            (images[:, :4], r"of shape \(4, 4, 8, 3\)"),
            (images[:0], r"of shape \(0, 8, 8, 3\)"),
            (images * np.inf, "768 values"),
        ):
            with pytest.raises(ValueError, match=message) as caught:
                keras_pnnh.export(
                    model,
                    tmp_path / "net.tflite",
                    "litert_int8",
                    **{"representative": images, argument: wrong},
                )
            assert f"`{argument}`" in str(caught.value)
    assert not list(tmp_path.iterdir())


class Stubborn(keras.layers.Layer):
    """A layer that no converter and no other process understands."""

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, inputs):
        raise RuntimeError("not to be traced")


def test_a_layer_that_does_not_export_is_named(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, Stubborn(name="mine")(inputs))
    with pytest.raises(ValueError, match=r"'mine' \(Stubborn\)") as caught:
        keras_pnnh.export(model, tmp_path / "net.onnx", "onnx")
    assert ("KERAS_BACKEND" in str(caught.value)) == (BACKEND == "jax")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def fake(monkeypatch):
    """A format whose files hold the JSON of what the runtime shall return."""

    def make(results):
        def write(model, path, representative):
            path.write_text("{}")

        form = FORMATS["onnx"]._replace(
            name="fake",
            suffix=".fake",
            backends=(BACKEND,),
            packages=(),
            annotate=None,
            write=write,
            open=lambda path, threads=None: lambda images: results,
        )
        monkeypatch.setitem(FORMATS, "fake", form)

    return make


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda results: results + 0.01, "a difference of 0.0"),
        (lambda results: results * np.nan, "a difference of inf"),
        (lambda results: results[:, :3], r"\(4, 3\) from onnxruntime"),
    ],
)
def test_a_file_that_computes_something_else_is_not_kept(
    change, message, model, images, fake, tmp_path
):
    path = tmp_path / "net.fake"
    fake(change(model.predict(images, verbose=0)))
    with pytest.raises(ValueError, match=message):
        keras_pnnh.export(model, path, "fake", probe=images)
    assert not list(tmp_path.iterdir())
    report = keras_pnnh.export(model, path, "fake", verify=False)
    assert path.is_file()
    assert report.images is report.largest_difference is None
    assert "not compared" in str(report)


@pytest.mark.torch_only
def test_what_is_missing_is_named(model, tmp_path, monkeypatch):
    def missing(*names):
        monkeypatch.setattr(
            checks, "_installed", lambda package: package not in names
        )

    missing("onnxruntime")
    with pytest.raises(ModuleNotFoundError, match="onnxruntime.*export"):
        keras_pnnh.export(model, tmp_path / "net.onnx", "onnx")
    monkeypatch.setattr(checks.keras.backend, "backend", lambda: "jax")
    missing("torch")
    with pytest.raises(ModuleNotFoundError, match=r"\[export,torch\]"):
        keras_pnnh.export(model, tmp_path / "net.pt2", "torch")
    missing("tensorflow")
    assert checks.writer(FORMATS["onnx"]) == "torch"
    assert not list(tmp_path.iterdir())


@pytest.mark.torch_only
def test_a_file_that_does_not_run_is_refused(images, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(ValueError, match="onnxruntime. Received: '.*net.onnx'"):
        deployment.run_file(path, "onnx", images)


@pytest.mark.torch_only
def test_the_process_reports_what_went_wrong(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((1, 2), "float32"))
    arguments = [str(tmp_path), "run", "onnx", str(tmp_path / "none.onnx")]
    assert worker.main(arguments) == 1
    assert "none.onnx" in json.loads((tmp_path / "problem.json").read_text())


@pytest.mark.parametrize("format", HERE)
def test_a_full_disk_ends_in_a_sentence(format, model, tmp_path):
    """Torch would end the process."""
    if FORMATS[format].quantized:
        pytest.skip("it is written like the float one")
    path = tmp_path / f"net{FORMATS[format].suffix}"
    with (
        limited_file_size(2000),
        pytest.raises(OSError, match="could not be written .*Free some space"),
    ):
        keras_pnnh.export(model, path, format, verify=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.torch_only
@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_folder_that_cannot_be_written_to(model):
    """Root may write anywhere, but in no folder of the system's."""
    for path in ("/proc/a_net.onnx", "/proc/a_net"):
        format = "onnx" if path.endswith("x") else "saved_model"
        with pytest.raises(OSError, match="'/proc/a_net.*could not be"):
            keras_pnnh.export(model, path, format, verify=False)
