"""Which runs led to a weight file."""

import hashlib
import json

import pytest

from keras_pnnh.publishing import lineage
from keras_pnnh.weights import registry


def test_a_tag_is_described_by_its_digest():
    described = lineage.describe_weights("plain_resnet20", "cifar10")
    entry = registry.WEIGHTS["plain_resnet20.cifar10"]
    assert described == {
        "source": "plain_resnet20.cifar10",
        "sha256": entry.sha256,
    }


def test_a_file_is_described_by_its_digest_and_its_run(tmp_path):
    path = tmp_path / "model.weights.h5"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    expected = {"source": "model.weights.h5", "sha256": digest}
    assert lineage.describe_weights("plain_resnet20", path) == expected
    (tmp_path / "record.json").write_text(json.dumps({"seed": 3}))
    described = lineage.describe_weights("plain_resnet20", path)
    assert described == {**expected, "record": {"seed": 3}}


def test_unknown_weights_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: weights='imagenet'"):
        lineage.describe_weights("plain_resnet20", "imagenet")
    with pytest.raises(FileNotFoundError):
        lineage.describe_weights("plain_resnet20", tmp_path / "a.weights.h5")


def test_runs_come_in_their_order():
    first = {"seed": 1}
    second = {"seed": 2, "initial_weights": {"source": "x", "record": first}}
    third = {"seed": 3, "initial_weights": {"source": "y", "record": second}}
    assert lineage.runs(third) == [first, second, third]
