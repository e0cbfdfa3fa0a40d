"""The README's blocks run as they stand, one after the other."""

import warnings

import code_blocks
import pytest
from imagenet_hub import imagenet  # noqa: F401

# What the network would have to answer is answered by this machine.
ONLINE = "<!-- online -->\n```python\n"


@pytest.mark.slow
def test_the_blocks_run(imagenet, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a new head, to name one
        names = code_blocks.run("README.md")
    printed = capsys.readouterr().out
    assert "airplane" in printed  # the class of the first sample
    assert "pass_through" in printed and "plain: " in printed
    assert (tmp_path / "plain.keras").is_file()
    assert imagenet.requests
    layers = names["plain"].layers
    assert {type(layer).__module__.split(".")[0] for layer in layers} == {
        "keras"
    }


def test_what_needs_a_network_is_marked():
    text = (code_blocks.ROOT / "README.md").read_text(encoding="utf-8")
    online = [
        block
        for block in code_blocks.blocks("README.md", "python")
        if 'weights="imagenet"' in block.code or "hf://" in block.code
    ]
    assert text.count(ONLINE) == len(online) == 1
    assert not any(
        block.skipped for block in code_blocks.blocks("README.md", "python")
    )
