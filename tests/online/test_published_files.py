"""The real Hub: every file that the registry pins. Run by `make online`."""

import warnings

import code_blocks
import keras
import photographs
import published_check
import pytest

from keras_pnnh import list_weights
from keras_pnnh.applications import decode_predictions
from keras_pnnh.weights import registry

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    # Of the client, which may have something to tell about the connection.
    pytest.mark.filterwarnings("default"),
]
PUBLISHED = sorted(set(list_weights()) - set(registry.list_bundled()))
PAGES = ["README.md", "docs/pretrained.md"]


@pytest.fixture(autouse=True)
def memory():
    """A network at a time: the largest have a third of a gigabyte."""
    yield
    keras.utils.clear_session()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_file(name):
    size, crop = photographs.crop_of(registry.WEIGHTS[name])
    scores = published_check.check(name, photographs.read_all(size, crop))
    wrong = []
    for photograph, best in zip(
        photographs.PHOTOGRAPHS, decode_predictions(scores), strict=True
    ):
        said = ", ".join(f"{each.label} {each.score:.2f}" for each in best)
        print(f"{name}: {photograph.file}: {said}")
        if not photograph.labels & {each.label for each in best}:
            wrong.append(f"{photograph.file}: {said}")
    assert not wrong


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_run_with_the_real_hub(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a new head, to name one
        code_blocks.run(page)
