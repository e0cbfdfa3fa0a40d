"""Every exported file runs by the script of its report, without Keras."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import keras_pnnh
from keras_pnnh.data import read_image
from keras_pnnh.deployment.formats import FORMATS
from keras_pnnh.samples import sample_images

BACKEND = keras.backend.backend()
HERE = [name for name, form in FORMATS.items() if BACKEND in form.backends]
# One that shows what does not depend on the format.
ONE = {"tensorflow": "litert", "torch": "onnx"}.get(BACKEND)

# What the process starts with: neither can be imported, whoever asks. They can
# be found, since TensorFlow looks where Keras is and does not import it.
BLOCK = """
import importlib.machinery
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("keras", "keras_pnnh"):
            return importlib.machinery.ModuleSpec(name, self, origin="nowhere")

    def create_module(self, spec):
        raise ImportError(f"{spec.name} is blocked")

    def exec_module(self, module):
        pass

sys.meta_path.insert(0, Block())
"""


def run(script, *arguments):
    """Run a text in a fresh Python that knows no folder of ours."""
    return subprocess.run(
        [sys.executable, "-I", "-c", BLOCK + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
    )


def results_of(report, picture, folder):
    """What the script prints, and all that it computes."""
    path = folder / "results.npy"
    # It prints the largest result alone.
    done = run(report.script + "np.save(sys.argv[2], results)\n", picture, path)
    assert done.returncode == 0, done.stderr
    number, value = done.stdout.split()
    results = np.load(path)
    assert int(number) == results[0].argmax()
    assert float(value) == pytest.approx(results[0].max(), rel=1e-5)
    return results


@pytest.mark.parametrize("name", ["keras", "keras_pnnh"])
def test_the_process_cannot_import_them(name):
    for how in (f"import {name}", f"import {name}.layers"):
        done = run(how)
        assert done.returncode and f"{name} is blocked" in done.stderr
    assert run("import numpy").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("format", HERE)
def test_the_bundled_network_runs_by_its_script(format, tmp_path):
    samples = sample_images()
    images = np.stack([read_image(sample.path) for sample in samples])
    images = images.astype("float32")
    model = keras_pnnh.create_model("plain_resnet20", weights="cifar10")
    path = tmp_path / f"it's {{a}} 蜂\U0001f41d net{FORMATS[format].suffix}"
    report = keras_pnnh.export(model, path, format, representative=images[:20])
    found = results_of(report, samples[0].path, tmp_path)
    expected = model.predict(images[:1], verbose=0)
    assert found.shape == expected.shape == (1, 10)
    assert found.argmax() == expected.argmax()
    # Rounded to integers, probabilities are a few in a hundred off.
    rounding = 0.15 if FORMATS[format].quantized else 1e-4
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)
    assert "keras" not in report.script
    assert len(report.script.splitlines()) < 20


@pytest.mark.skipif(ONE is None, reason="JAX writes no file")
@pytest.mark.parametrize(
    ("shape", "mode", "dtype", "batch"),
    [
        ((8, 6, 3), "RGB", "float32", None),
        ((8, 6, 3), "RGB", "uint8", None),
        ((8, 6, 1), "L", "float32", None),
        ((8, 6, 3), "RGB", "float32", 2),
    ],
)
def test_it_makes_of_a_picture_what_the_network_takes(
    shape, mode, dtype, batch, tmp_path
):
    x = images = keras.Input(shape, dtype=dtype)
    x = keras.layers.Rescaling(1 / 255)(x)
    x = keras.layers.Conv2D(4, 3, bias_initializer="random_normal")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(images, keras.layers.Dense(5)(x))
    report = keras_pnnh.export(
        model, tmp_path / f"net{FORMATS[ONE].suffix}", ONE, batch_size=batch
    )
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (20, 10, 3), "uint8")
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    found = results_of(report, tmp_path / "picture.png", tmp_path)
    picture = Image.fromarray(pixels).convert(mode).resize((6, 8))
    image = np.asarray(picture, dtype).reshape(1, *shape)
    expected = model.predict(image, verbose=0)
    assert len(found) == (batch or 1)
    for result in found:
        np.testing.assert_allclose(result, expected[0], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(ONE is None, reason="JAX writes no file")
def test_what_takes_no_picture_gets_zeros(tmp_path):
    numbers = keras.Input((7,))
    layer = keras.layers.Dense(3, bias_initializer="random_normal")
    model = keras.Model(numbers, layer(numbers))
    path = tmp_path / f"net{FORMATS[ONE].suffix}"
    report = keras_pnnh.export(model, path, ONE)
    found = results_of(report, "no picture", tmp_path)
    expected = model.predict(np.zeros((1, 7), "float32"), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
