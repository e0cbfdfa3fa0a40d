"""What a run tells Weights & Biases, whose package is played here."""

import importlib.machinery
import sys
import types

import pytest

from keras_pnnh.cli.main import main
from keras_pnnh.training import LogToWandb, train

pytestmark = pytest.mark.torch_only


class Service:
    """Keeps what is logged, as the package does it."""

    def __init__(self):
        self.runs = []

    def init(self, **arguments):
        self.runs.append({"arguments": arguments, "rows": [], "open": True})
        return self

    def log(self, numbers, step):
        self.runs[-1]["rows"].append((step, numbers))

    def finish(self):
        self.runs[-1]["open"] = False


@pytest.fixture
def service(monkeypatch):
    found = Service()
    module = types.ModuleType("wandb")
    module.__spec__ = importlib.machinery.ModuleSpec("wandb", None)
    module.init = found.init
    monkeypatch.setitem(sys.modules, "wandb", module)
    return found


def test_every_epoch_is_logged(
    service, make_model, tiny_data, tiny_recipe, tmp_path
):
    log = LogToWandb("project", name="mine", config={"epochs": 2})
    record = train(
        make_model(), tiny_data, tiny_recipe, tmp_path / "run", callbacks=[log]
    )
    (run,) = service.runs
    assert run["arguments"]["config"] == {"epochs": 2}
    assert run["arguments"]["resume"] == "allow" and not run["open"]
    steps, rows = zip(*run["rows"], strict=True)
    assert steps == (1, 2)
    for row, epoch in zip(rows, record["epochs"], strict=True):
        assert row["val_accuracy"] == pytest.approx(
            epoch["val_accuracy"], abs=1e-4
        )
        assert row["images_per_second"] > 0


def test_only_the_first_host_logs(service, monkeypatch):
    monkeypatch.setattr("keras_pnnh.training.hosts.is_first", lambda: False)
    log = LogToWandb("project")
    log.on_train_begin()
    log.on_epoch_end(0, {"loss": 1.0})
    log.on_train_end()
    assert not service.runs


def test_a_name_is_one_run_and_none_is_many(service):
    for name in ("a", "a", "b", None):
        LogToWandb("project", name).on_train_begin()
    ids = [run["arguments"].get("id") for run in service.runs]
    assert ids[0] == ids[1] != ids[2] and ids[3] is None


def test_without_the_package(monkeypatch, tmp_path, image_folder, capsys):
    monkeypatch.setattr(
        "keras_pnnh.training.wandb_log.importlib.util.find_spec",
        lambda name: None,
    )
    with pytest.raises(ModuleNotFoundError, match="pip install wandb"):
        LogToWandb("project")
    arguments = ["train", "--model", "plain_resnet20", "--wandb", "project"]
    arguments += ["--data", str(image_folder), "--output", str(tmp_path / "a")]
    assert main(arguments) == 1
    assert "pip install wandb" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
