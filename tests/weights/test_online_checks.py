"""What `make online` asks of the real Hub, asked of the one on this machine."""

import importlib.util
from pathlib import Path

import numpy as np
import photographs
import published_check
import pytest
from imagenet_hub import KEY, imagenet  # noqa: F401

from keras_pnnh import list_weights
from keras_pnnh.weights import registry
from keras_pnnh.weights.labels import imagenet_classes

PUBLISHED = sorted(set(list_weights()) - set(registry.list_bundled()))


@pytest.mark.torch_only
def test_a_file_passes(imagenet, capsys):  # noqa: F811
    images = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3))
    scores = published_check.check(KEY, images.astype("float32"))
    assert scores.shape == (1, 1000)
    assert "SHA-256 as pinned" in capsys.readouterr().out


@pytest.mark.torch_only
def test_another_file_does_not(imagenet, monkeypatch):  # noqa: F811
    entry = registry.WEIGHTS[KEY]._replace(sha256=64 * "0")
    monkeypatch.setitem(registry.WEIGHTS, KEY, entry)
    with pytest.raises(ValueError, match="the one that was published"):
        published_check.check(KEY, None)


@pytest.mark.parametrize("name", PUBLISHED)
def test_where_a_network_was_measured(name):
    size, crop = photographs.crop_of(registry.WEIGHTS[name])
    assert size == 224 and 0.8 < crop < 1


def test_expected_labels_are_classes():
    known = {label for _, label in imagenet_classes()}
    for photograph in photographs.PHOTOGRAPHS:
        assert photograph.labels <= known


def test_photographs_are_cut_to_size():
    if importlib.util.find_spec("skimage") is None:
        pytest.skip("scikit-image, which has the photographs, is not installed")
    images = photographs.read_all(224, 0.9)
    assert images.shape == (3, 224, 224, 3)
    assert images.min() >= 0 and images.max() > 200


def test_another_photograph_is_refused():
    if importlib.util.find_spec("skimage") is None:
        pytest.skip("scikit-image, which has the photographs, is not installed")
    other = photographs.PHOTOGRAPHS[0]._replace(sha256="0")
    with pytest.raises(ValueError, match="whose licence was read"):
        photographs.find(other)


def test_only_marked_tests_go_online():
    folder = Path(__file__).parents[1] / "online"
    for path in folder.glob("test_*.py"):
        assert "pytest.mark.network" in path.read_text(encoding="utf-8")
