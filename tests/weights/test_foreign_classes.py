"""A file that names a class does not make anybody import it."""

import json
import sys

import h5py
import pytest

from keras_pnnh import from_weights, save_weights
from keras_pnnh.applications import PlainResNet
from keras_pnnh.cli.main import main
from keras_pnnh.publishing.verify import verify_repository
from keras_pnnh.weights import architecture, notes

NAMES = [
    ("foreign", "PlainResNet"),
    ("os", "system"),
    ("builtins", "eval"),
    ("keras.layers", "Lambda"),
]


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Exists once the module `foreign` of the current folder was imported."""
    marker = tmp_path / "ran"
    (tmp_path / "foreign.py").write_text(
        f"open({str(marker)!r}, 'w')\nclass Evil: pass\nPlainResNet = Evil\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield marker
    sys.modules.pop("foreign", None)


@pytest.fixture(scope="module")
def model():
    return PlainResNet((1,), (4,), input_shape=(8, 8, 3), classes=2)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_repository(module, name, hub, cache, ran, model, tmp_path):
    path = tmp_path / "model.weights.h5"
    save_weights(model, path)
    with h5py.File(path, "r+") as file:  # as another library writes it
        for attribute in list(file.attrs):
            del file.attrs[attribute]
    content = {
        "module": module,
        "class_name": name,
        "registered_name": f"{module}>{name}",
        "config": {},
    }
    files = {
        "config.json": json.dumps(content).encode(),
        "model.weights.h5": path.read_bytes(),
    }
    hub.add("owner/mine", files)
    for look in (from_weights, verify_repository):
        with pytest.raises(ValueError, match="Received: "):
            look("hf://owner/mine")
    assert not ran.exists()


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_note(module, name, ran, model, tmp_path, capsys):
    path = tmp_path / "model.weights.h5"
    save_weights(model, path)
    for called in (name, f"{module}.{name}", f"{module}>{name}"):
        if called == "PlainResNet":
            continue
        with h5py.File(path, "r+") as file:
            noted = json.loads(file.attrs[architecture.ATTRIBUTE])
            noted |= {"class_name": called, "module": module}
            file.attrs[architecture.ATTRIBUTE] = json.dumps(noted)
            notes.seal(file)
        with pytest.raises(ValueError, match="Received: "):
            from_weights(path)
        image = str(tmp_path / "x.png")
        assert main(["classify", image, "--weights", str(path)]) == 1
        assert "error: " in capsys.readouterr().err
    assert not ran.exists()
