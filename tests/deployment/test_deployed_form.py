"""An export writes what the user has, as one chain, and says what it wrote."""

import errno
import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

import keras_pnnh
from keras_pnnh import deployment
from keras_pnnh.applications.plain_resnet import PlainResNet
from keras_pnnh.auditing import audit
from keras_pnnh.deployment.deployed_form import deployed_form
from keras_pnnh.deployment.formats import FORMATS, litert_metadata

BACKEND = keras.backend.backend()
# One that each backend writes itself, and whose files carry metadata.
FORMAT = {"torch": "onnx", "tensorflow": "litert", "jax": None}[BACKEND]
writes = pytest.mark.skipif(FORMAT is None, reason="JAX writes nothing itself")
NAME = f"net{FORMATS[FORMAT].suffix if FORMAT else ''}"


def network(image=None, filters=4, classes=2, **arguments):
    """Residual: two blocks, a stem with symmetric padding."""
    x = image = keras.Input((8, 8, 3)) if image is None else image
    common = {"padding": "same", **arguments}
    x = keras.layers.Rescaling(1 / 255)(x)
    x = keras.layers.Conv2D(filters, 3, activation="relu", **common)(x)
    for _ in range(2):
        y = keras.layers.Conv2D(filters, 3, **common)(x)
        y = keras.layers.BatchNormalization()(y)
        y = keras.layers.Conv2D(filters, 3, **common)(keras.layers.ReLU()(y))
        x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(classes)(x), name="net")


def chain(**arguments):
    return keras_pnnh.from_residual(network(**arguments))[0]


def export(model, path, **arguments):
    return keras_pnnh.export(model, path, FORMAT, **arguments)


# What is written, without writing it: on every backend.


@pytest.mark.torch_only
def test_pass_through_channels_are_written_out():
    model, changes = deployed_form(chain())
    assert audit(model).plain
    assert "written out: " in changes[0] and "MB of weights" in changes[0]
    kept, changes = deployed_form(chain(), keep_pass_through=True)
    assert audit(kept).pass_through
    assert changes == ("pass-through channels kept",)


@pytest.mark.torch_only
@pytest.mark.parametrize("limit", [1, 1.2])
def test_too_dear_is_refused_before_it_is_built(limit, monkeypatch):
    model, cost = chain(), audit(chain())
    monkeypatch.setattr(
        "keras_pnnh.deployment.deployed_form.write_out",
        lambda model: pytest.fail("built"),
    )
    with pytest.raises(ValueError) as caught:
        deployed_form(model, cost_limit=limit)
    message = str(caught.value)
    for words in (
        f"{cost.written_out_macs:,} multiply-accumulates",
        f"{cost.written_out_parameters:,} parameters",
        "MB of weights",
        "keep_pass_through=True",
        "cost_limit=",
    ):
        assert words in message


def inverted(x):
    y = keras.layers.ReLU(6)(keras.layers.Conv2D(12, 1)(x))
    y = keras.layers.DepthwiseConv2D(3, padding="same")(y)
    y = keras.layers.Conv2D(4, 1)(keras.layers.ReLU(6)(y))
    return keras.layers.Add()([x, y])


def mobile():
    """The chain of two inverted residuals: streams of both signs."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(image)
    x = inverted(inverted(keras.layers.Conv2D(4, 3, padding="same")(x)))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(2)(x), name="mobile")
    return keras_pnnh.from_residual(model)[0]


@pytest.mark.torch_only
@pytest.mark.parametrize("batch_size", [None, 3])
def test_images_fit_a_range_at_less_cost(images, batch_size):
    model, cost = mobile(), audit(mobile())
    made, changes = deployed_form(
        model, images=images, batch_size=batch_size, cost_limit=1.6
    )
    assert audit(made).macs == cost.in_range_macs < cost.written_out_macs
    assert made.inputs[0].shape[0] == batch_size
    words = " ".join(changes)
    assert f"exact within the range of {len(images)} images" in words
    assert f"{cost.in_range_macs:,} multiply-accumulates" in words
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(keras.ops.stop_gradient(made(images[:3]))),
        model.predict(images[:3], verbose=0),
        atol=1e-4,
    )


@pytest.mark.torch_only
def test_a_margin_is_that_of_the_range(images):
    for margin, words in ((0.0, "widened by 0% on"), (1.0, "by 100% on")):
        made = deployed_form(mobile(), images=images, margin=margin)
        assert words in " ".join(made.changes)
    with pytest.raises(ValueError, match="margin=-1"):
        deployed_form(mobile(), images=images, margin=-1)


@pytest.mark.torch_only
def test_the_limit_holds_for_a_range_as_well(images, monkeypatch):
    model, cost = mobile(), audit(mobile())
    monkeypatch.setattr(
        "keras_pnnh.deployment.deployed_form.write_out",
        lambda model, images, margin: pytest.fail("built"),
    )
    with pytest.raises(ValueError, match=f"{cost.in_range_macs:,} multiply"):
        deployed_form(model, images=images, cost_limit=1)


@pytest.mark.torch_only
def test_wrong_images_for_a_range(images, tmp_path):
    with pytest.raises(ValueError, match="keep_pass_through=True"):
        deployed_form(mobile(), keep_pass_through=True, images=images)
    for wrong in (images[:0], images[:, :4], images * np.nan):
        with pytest.raises(ValueError, match="`images` must be"):
            keras_pnnh.export(
                mobile(), tmp_path / "net.onnx", "onnx", images=wrong
            )
    assert not list(tmp_path.iterdir())


@writes
def test_a_file_within_a_range(images, tmp_path):
    report = export(mobile(), tmp_path / NAME, images=images)
    assert report.joins == 0 and report.relative_difference < 1e-4
    assert f"exact within the range of {len(images)} images" in str(report)


@pytest.mark.torch_only
def test_integers_are_within_the_range_of_their_images(images, tmp_path):
    reports = [
        keras_pnnh.export(
            model, tmp_path / "net.onnx", "onnx_int8", representative=images
        )
        for model in (mobile(), keras_pnnh.write_out(mobile()))
    ]
    ranged, pairs = reports
    assert f"exact within the range of {len(images)} images" in str(ranged)
    assert "exact within" not in str(pairs)
    assert ranged.joins == pairs.joins == 0 and ranged.size < pairs.size


@pytest.mark.torch_only
def test_coders_and_norms_are_folded():
    model = PlainResNet((1,), (4,), input_shape=(8, 8, 3))
    assert audit(deployed_form(model).model).plain
    assert deployed_form(model, fold_first=False).model is model
    assert "folded" in deployed_form(network()).changes


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.RandomFlip("horizontal", name="augment"),
        lambda: keras.layers.RandomRotation(0.1, name="augment"),
        lambda: keras.layers.Dropout(0.5, name="augment"),
        lambda: keras.Sequential(
            [keras.layers.RandomZoom(0.1, name="augment")], name="all"
        ),
    ],
)
def test_what_does_nothing_in_inference_is_left_out(layer, images):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, network()(layer()(image)))
    made, changes = deployed_form(model)
    assert not [part for part in made.layers if part.name == "augment"]
    assert "augment" in changes[0]
    np.testing.assert_allclose(
        made.predict(images, verbose=0),
        model.predict(images, verbose=0),
        rtol=1e-4,
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_becomes_float32(policy, images):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network()
        plain = PlainResNet((1,), (4,), input_shape=(8, 8, 3))
    finally:
        keras.config.set_dtype_policy(before)
    for source in (model, plain):
        made, changes = deployed_form(source)
        assert {layer.compute_dtype for layer in made.layers} == {"float32"}
        assert "float32 copy" in changes[0]
        np.testing.assert_allclose(
            made.predict(images, verbose=0),
            source.predict(images, verbose=0),
            atol=0.02,
        )


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": True}, "batch_size=True"),
        ({"cost_limit": 0.5}, "cost_limit=0.5"),
        ({"cost_limit": "2"}, "cost_limit='2'"),
        ({"labels": ["ant"]}, "1 labels, model 'net' with 2"),
        ({"labels": "ab"}, "labels of type str"),
        (
            {"probe": np.full((1, 8, 8, 3), 300)},
            "of type int64 with numbers from 300 to 300",
        ),
    ],
)
def test_wrong_settings(arguments, message, tmp_path):
    model = network(keras.Input((8, 8, 3), dtype="uint8"))
    with pytest.raises(ValueError, match=message):
        keras_pnnh.export(model, tmp_path / "net.onnx", "onnx", **arguments)
    assert not list(tmp_path.iterdir())


# Files.


@writes
def test_bytes_a_fixed_batch_and_half_precision(images, tmp_path):
    pixels = images.round().astype("uint8")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = network(keras.Input((8, 8, 3), dtype="uint8"))
    finally:
        keras.config.set_dtype_policy(before)
    report = export(model, tmp_path / NAME, batch_size=1, probe=pixels)
    assert report.relative_difference < 1e-4
    results = deployment.run_file(tmp_path / NAME, FORMAT, pixels)
    assert results.shape == (4, 2)  # one after the other
    assert "batches of 1" in str(report)
    if FORMAT == "litert":
        from ai_edge_litert.interpreter import Interpreter

        given = Interpreter(str(tmp_path / NAME)).get_input_details()[0]
        assert given["dtype"] == np.uint8
        assert given["shape_signature"][0] == 1
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(tmp_path / NAME))
        (given,) = session.get_inputs()
        assert given.type == "tensor(uint8)" and given.shape[0] == 1


@pytest.mark.skipif(BACKEND != "torch", reason="one backend tells")
def test_images_of_any_size(images, tmp_path):
    model = network(keras.Input((None, None, 3)))
    report = export(model, tmp_path / NAME)
    assert report.relative_difference < 1e-4
    for pixels in (images, images[:, :5, :7]):
        np.testing.assert_allclose(
            deployment.run_file(tmp_path / NAME, FORMAT, pixels),
            model.predict(pixels, verbose=0),
            rtol=1e-4,
            atol=1e-5,
        )


@pytest.mark.skipif(BACKEND != "torch", reason="TensorFlow needs a GPU for it")
def test_channels_first(images, tmp_path):
    keras.config.set_image_data_format("channels_first")
    try:
        model = network(keras.Input((3, 8, 8)), data_format="channels_first")
    finally:
        keras.config.set_image_data_format("channels_last")
    report = export(model, tmp_path / NAME)
    assert report.relative_difference < 1e-4
    assert "transpose(0, 3, 1, 2)" in report.script


@writes
def test_the_file_knows_labels_and_the_script_runs_it(tmp_path):
    path, labels = tmp_path / NAME, ["Ameise, rote", "蜂"]
    report = export(chain(), path, labels=labels, preprocessing="RGB, 0 to 255")
    assert report.joins == 0 and "one chain" in str(report)
    if FORMAT == "litert":
        assert litert_metadata.ENTRY in path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            text = archive.read("labels.txt").decode()
        assert text.splitlines() == labels
        assert b"RGB, 0 to 255" in path.read_bytes()
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path))
        metadata = session.get_modelmeta().custom_metadata_map
        assert json.loads(metadata["labels"]) == labels
        assert metadata["preprocessing"] == "RGB, 0 to 255"
        assert metadata["input"].startswith("float32 (any, 8, 8, 3)")
    picture = tmp_path / "picture.png"
    Image.new("RGB", (20, 10), (10, 100, 200)).save(picture)
    script = "import sys\nsys.modules['keras'] = None\n" + report.script
    (tmp_path / "run.py").write_text(script, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, tmp_path / "run.py", picture],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    image = np.full((1, 8, 8, 3), (10, 100, 200), "float32")
    expected = deployment.run_file(path, FORMAT, image)[0]
    number, value = ran.stdout.split()
    assert int(number) == expected.argmax()
    assert float(value) == pytest.approx(expected.max(), rel=1e-4)
    assert len(report.script.split("\n")) < 20


@pytest.mark.torch_only
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("OSError: [Errno 28] No space left on device"),
        OSError(errno.EDQUOT, "quota"),
    ],
)
def test_a_full_disk_is_called_one(error, tmp_path, monkeypatch):
    def write(model, path, representative):
        path.write_bytes(b"half")
        raise error

    form = FORMATS["onnx"]._replace(
        suffix=".fake", backends=(BACKEND,), packages=(), converters={}
    )
    monkeypatch.setitem(FORMATS, "fake", form._replace(write=write))
    with pytest.raises(OSError, match="Free some space") as caught:
        keras_pnnh.export(network(), tmp_path / "net.fake", "fake")
    assert "Every layer" not in str(caught.value)
    assert not list(tmp_path.iterdir())
