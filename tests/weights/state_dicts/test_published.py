"""`weights="imagenet"` as typed, for state dictionaries of the real shapes.

The local Hub stands in for the real one. Of the registry's row revision, digest
and size are replaced, nothing else. The large networks run on torch, which
compiles nothing; `KERAS_PNNH_ALL_TESTS=1` runs them on every backend.
"""

from typing import Any, NamedTuple

import numpy as np
import published
import published_mobilenet_v2
import published_resnet
import published_vit
import pytest
from hub_repository import sha256
from hub_server import HubServer
from safetensors.numpy import save

from keras_pnnh import audit
from keras_pnnh.applications import (
    PlainMobileNetV2,
    PlainResNet18,
    PlainResNet50,
    PlainViTSmall16,
)
from keras_pnnh.weights import registry


class Network(NamedTuple):
    constructor: Any
    entry: str
    forward: Any
    size: int
    carried: int
    large: bool = False


NETWORKS = {
    "resnet18": Network(
        PlainResNet18, "plain_resnet18", published_resnet.forward, 64, 512
    ),
    "resnet50": Network(
        PlainResNet50,
        "plain_resnet50",
        published_resnet.forward,
        64,
        2048,
        True,
    ),
    "mobilenetv2_100": Network(
        PlainMobileNetV2,
        "plain_mobilenet_v2_100",
        published_mobilenet_v2.forward,
        64,
        160,
    ),
    "vit_small_patch16_224": Network(
        PlainViTSmall16,
        "plain_vit_small16",
        published_vit.forward,
        224,
        384,
        True,
    ),
}


class Served(NamedTuple):
    """A network on the local Hub."""

    network: Network
    server: HubServer
    images: np.ndarray
    expected: np.ndarray  # logits


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            name, marks=pytest.mark.torch_only if network.large else ()
        )
        for name, network in NETWORKS.items()
    ],
)
def served(request, tmp_path_factory):
    name, network = request.param, NETWORKS[request.param]
    state = published.random_state_dict(name)
    if name.startswith("mobilenet"):
        spread(state)
    key, content = f"{network.entry}.imagenet", save(state)
    entry = registry.WEIGHTS[key]
    with pytest.MonkeyPatch.context() as patch, HubServer() as server:
        files = {"model.safetensors": content, "config.json": b"{}"}
        revision = server.add(entry.repo_id, files)
        pinned = {"sha256": sha256(content), "size": len(content)}
        entry = entry._replace(revision=revision, **pinned)
        patch.setitem(registry.WEIGHTS, key, entry)
        patch.setenv("HF_ENDPOINT", server.endpoint)
        patch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("cache")))
        images = pictures(network.size)
        expected = network.forward(name, state, images)
        yield Served(network, server, images, expected)


def spread(state):
    """Reach the clip at 6 with some of the units."""
    for name in state:
        if name.endswith("running_var"):
            state[name] = state[name] / np.float32(1.3**2)


def pictures(size):
    """Noise and a pattern."""
    noise = np.random.default_rng(0).uniform(0, 255, (size, size, 3))
    rows, columns = np.indices((size, size))
    pattern = 255 * ((rows + columns) // 12 % 2)
    pattern = np.repeat(pattern[..., None], 3, -1)
    return np.stack([noise, pattern]).astype("float32")


def build(served, **arguments):
    shape = (served.network.size, served.network.size, 3)
    return served.network.constructor(
        weights="imagenet",
        input_shape=shape,
        classifier_activation=None,
        **arguments,
    )


def check_logits(model, served):
    expected = served.expected
    scale = np.abs(expected).max()
    assert np.ptp(expected, axis=0).max() > 0.1 * scale  # they see the image
    outputs = model.predict(served.images, verbose=0)
    assert np.abs(outputs - expected).max() <= 1e-4 * scale


@pytest.mark.slow
def test_logits_are_those_of_the_published_network(served):
    model = build(served)
    check_logits(model, served)
    report = audit(model)
    assert report.pass_through
    assert report.pass_through_channels == served.network.carried
    before = served.server.count()
    assert before
    check_logits(build(served), served)
    assert served.server.count() == before  # nobody is asked again


def test_the_twin(served):
    model = build(served, internal_path="residual")
    check_logits(model, served)
    assert not audit(model).plain
