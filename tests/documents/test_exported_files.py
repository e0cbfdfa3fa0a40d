"""What the documents say of exported files is what the files held."""

import json
from pathlib import Path

import pytest

from keras_pnnh.weights import registry

ROOT = Path(__file__).parents[2]
RECORD = json.loads((ROOT / "evidence" / "exported_files.json").read_text())


def test_every_network_with_weights_was_audited():
    bundled = set(registry.list_bundled())
    published = {
        tag.partition(".")[0] for tag in set(registry.WEIGHTS) - bundled
    }
    assert set(RECORD) == bundled | published
    for name, counts in RECORD.items():
        assert bool(counts["files"]) != ("not_written" in counts)
        ratio = counts["written_out_macs"] / counts["macs"]
        assert (ratio > counts["limit"]) == ("not_written" in counts)
        for file in counts["files"].values():
            assert file["plain"] == (file["joins"] == 0) == ("vit" not in name)


@pytest.mark.parametrize(
    "document", ["README.md", "docs/conversion.md", "docs/pretrained.md"]
)
def test_costs_stand_where_the_weights_do(document):
    text = " ".join((ROOT / document).read_text(encoding="utf-8").split())
    costs = {
        name: counts["written_out_macs"] / counts["macs"]
        for name, counts in RECORD.items()
    }
    assert f"{costs['plain_mobilenet_v2_100']:.2f}x of the multi" in text
    small = f"{costs['plain_resnet18']:.2f}x and {costs['plain_resnet34']:.2f}x"
    assert f"{small} for ResNet-18 and 34" in text
    assert f"{costs['plain_resnet50']:.1f}x for ResNet-50" in text
    assert f"{costs['plain_vit_base16']:.1f}x for ViT" in text
