"""`weights="imagenet"` as typed: published residual networks as chains."""

import warnings

import keras
import numpy as np
import pytest
from harness import to_numpy
from hub_repository import sha256
from hub_server import HubServer
from safetensors.numpy import save

from keras_pnnh import audit, save_weights, write_out
from keras_pnnh.applications import PlainResNet, PlainResNet18, features
from keras_pnnh.weights import converted, registry
from keras_pnnh.weights.state_dicts import match_resnet

KEY = "plain_resnet18.imagenet"
# A network that is small enough to convert many times.
NUMBERS = {"blocks_per_stage": (1, 1), "filters_per_stage": (4, 8)}
SMALL = {"weights": "imagenet", "input_shape": (16, 16, 3)}


@pytest.fixture(scope="module")
def twin():
    """A residual network, and its state dictionary."""
    model = PlainResNet(
        **NUMBERS,
        stem="7x7_pool",
        preprocessing="imagenet",
        internal_path="residual",
        input_shape=(16, 16, 3),
        classes=1000,
    )
    generator = np.random.default_rng(0)
    state = {}
    for match in match_resnet(model)[0]:
        shape = tuple(match.variable.shape)
        value = generator.uniform(0.1, 1, shape).astype("float32")
        if len(shape) > 1:
            value = generator.standard_normal(shape).astype("float32") / 3
        match.variable.assign(value)
        if match.axes is not None:
            value = value.transpose(np.argsort(match.axes))
        state[match.name] = np.ascontiguousarray(value)
    return model, state


@pytest.fixture
def published(twin, tmp_path, monkeypatch):
    """The local Hub has a small network in place of ResNet-18."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    content = save(twin[1])
    entry = registry.WEIGHTS[KEY]
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        files = {"model.safetensors": content, "config.json": b"{}"}
        revision = server.add(entry.repo_id, files)
        entry = entry._replace(
            sha256=sha256(content),
            size=len(content),
            revision=revision,
            arguments=tuple(NUMBERS.items()),
        )
        monkeypatch.setitem(registry.WEIGHTS, KEY, entry)
        yield server


def load(**arguments):
    return PlainResNet18(**{**SMALL, **NUMBERS, **arguments})


@pytest.fixture(scope="module")
def pictures():
    generator = np.random.default_rng(0)
    return generator.uniform(0, 255, (2, 16, 16, 3)).astype("float32")


def assert_same(model, other, images):
    want, got = (
        keras.tree.map_structure(to_numpy, net(images))
        for net in (other, model)
    )
    keras.tree.map_structure(
        lambda a, b: np.testing.assert_allclose(
            a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max()
        ),
        got,
        want,
    )


def test_the_chain_computes_what_the_twin_does(published, twin, pictures):
    for model in (load(), load()):  # converted, and kept
        assert type(model) is PlainResNet
        assert model.name == "plain_resnet18"
        assert_same(model, twin[0], pictures)
        report = audit(model)
        assert report.pass_through and not report.plain
        assert report.pass_through_channels == 4
        assert report.macs == audit(twin[0]).macs
        assert_same(features(model), features(twin[0]), pictures)
        config = model.get_config()
        assert config["internal_path"] == "pass_through"
    written_out = write_out(model)
    assert_same(written_out, twin[0], pictures)


def test_a_second_call_converts_nothing(published, monkeypatch):
    model = load()
    before = published.count()
    monkeypatch.setattr(converted, "keep", None)
    again = load(name="again")
    assert published.count() == before
    assert again.name == "again"
    names = [layer.name for layer in model.layers]
    assert [layer.name for layer in again.layers] == names
    for mine, theirs in zip(
        again.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def kept_files(tmp_path):
    return list((tmp_path / "cache").rglob("converted/*"))


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damaged_conversions_are_made_anew(
    published, twin, tmp_path, pictures, damage
):
    load()
    (path,) = kept_files(tmp_path)
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-1000] ^= 64
    path.write_bytes(content[: {"cut": 100, "empty": 0}.get(damage)])
    before = published.count()
    assert_same(load(), twin[0], pictures)
    (path,) = kept_files(tmp_path)
    assert sha256(path.read_bytes()) in path.name
    assert published.count() == before


def test_other_code_converts_anew(published, tmp_path, monkeypatch):
    for version in (7, 8, 9, 10):
        monkeypatch.setattr(converted, "FORMAT", version)
        load()
    kept = {path.name.split("-")[1] for path in kept_files(tmp_path)}
    assert kept == {"8", "9", "10"}  # they are large: old ones go


def test_a_cache_to_read_only(published, twin, tmp_path, pictures):
    folder = tmp_path / "cache" / "models--timm--resnet18.a1_in1k"
    (folder / "keras_pnnh").mkdir(parents=True)
    (folder / "keras_pnnh" / "converted").touch()
    assert_same(load(), twin[0], pictures)


@pytest.mark.parametrize("kind", ["file", "weights"])
def test_files(published, tmp_path, pictures, kind):
    model = load()
    if kind == "file":
        model.save(tmp_path / "model.keras")
        copy = keras.saving.load_model(tmp_path / "model.keras")
    else:
        save_weights(model, tmp_path / "model.weights.h5")
        copy = load(
            weights=tmp_path / "model.weights.h5",
            **{
                key: model.get_config()[key]
                for key in ("stem", "preprocessing")
            },
        )
    assert type(copy) is PlainResNet
    assert list(copy.pyramid_outputs) == list(model.pyramid_outputs)
    np.testing.assert_array_equal(
        to_numpy(copy(pictures)), to_numpy(model(pictures))
    )


@pytest.mark.parametrize("pooling", [None, "max"])
def test_backbones(published, twin, pictures, pooling):
    model = load(include_top=False, pooling=pooling)
    levels = features(twin[0])(pictures)
    expected = to_numpy(levels["P3"])
    if pooling == "max":
        expected = expected.max((1, 2))
    np.testing.assert_allclose(
        to_numpy(model(pictures)),
        expected,
        rtol=1e-4,
        atol=1e-5 * expected.max(),
    )


def test_other_classes_get_a_new_head(published, twin, pictures):
    for _ in range(2):
        # Not `pytest.warns`: it raises again what Keras warns of on torch.
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = load(classes=3)
        (ours,) = [item for item in caught if item.category is UserWarning]
        assert "has 1000 classes, `classes=3`" in str(ours.message)
        assert ours.filename == __file__
        kernel = to_numpy(model.get_layer("head").kernel)
        assert kernel.shape == (8, 3) and kernel.std() > 0
        assert_same(features(model, "P3"), features(twin[0], "P3"), pictures)


def test_input_tensor(published, twin, pictures):
    images = keras.Input((16, 16, 3))
    model = load(input_tensor=255 * images)
    np.testing.assert_allclose(
        to_numpy(model(pictures / 255)),
        to_numpy(twin[0](pictures)),
        rtol=1e-4,
        atol=1e-5,
    )
    assert list(model.pyramid_outputs) == ["P2", "P3"]


def test_precision(published, pictures):
    model = load(dtype="mixed_bfloat16")
    assert model.get_layer("stem_conv").compute_dtype == "bfloat16"
    full = to_numpy(load()(pictures))
    half = to_numpy(model(pictures))
    np.testing.assert_allclose(half, full, atol=0.1 * full.max())


def test_offline_with_an_empty_cache(published):
    with pytest.raises(FileNotFoundError, match="resolve/.*/model.safetensors"):
        load(local_files_only=True)


def test_unknown_arguments_are_refused_before_the_download(published):
    with pytest.raises(TypeError, match="unexpected keyword argument 'alpha'"):
        load(alpha=1.0)
    assert published.count() == 0


def test_without_weights():
    model = PlainResNet18(
        input_shape=(64, 64, 3), internal_path="pass_through", **NUMBERS
    )
    assert audit(model).pass_through


def test_no_dropout(published):
    with pytest.raises(TypeError, match="dropout_rate"):
        load(dropout_rate=0.1)
    assert published.count() == 0
