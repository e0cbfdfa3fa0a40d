"""Other processes: nothing foreign is imported, and no wait is for ever."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import keras
import pytest

import keras_pnnh
from keras_pnnh.deployment import process

# A module of the package for the process to call; `main` is replaced there.
MODULE = "keras_pnnh.deployment.worker"
BACKEND = keras.backend.backend()


@pytest.fixture
def code(monkeypatch):
    """Run this code in place of a module's `main`."""

    def replace(text):
        head = process.CODE.partition("from {module}")[0]
        monkeypatch.setattr(process, "CODE", "# {module}\n" + head + text)

    return replace


@pytest.mark.slow
@pytest.mark.torch_only
def test_nothing_of_the_current_folder_is_imported(tmp_path, monkeypatch, code):
    """Neither by its name nor by an entry without one."""
    ran = tmp_path / "ran"
    for name in ("h5py", "keras", "numpy", "sitecustomize", "runpy"):
        (tmp_path / f"{name}.py").write_text(f"open({str(ran)!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f".{os.pathsep}")
    code("import h5py, keras, numpy, runpy")
    process.run_module(MODULE, [], BACKEND)
    assert not ran.exists()


@pytest.mark.slow
@pytest.mark.torch_only
def test_nothing_beside_the_package_is_imported(tmp_path, monkeypatch, code):
    """A checkout is run in place, whatever else lies there."""
    ran = tmp_path / "ran"
    (tmp_path / "h5py.py").write_text(f"open({str(ran)!r}, 'w')\n")
    os.symlink(process.PACKAGE, tmp_path / "keras_pnnh")
    monkeypatch.setattr(process, "PACKAGE", tmp_path / "keras_pnnh")
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.chdir(tmp_path)
    code("import h5py")
    process.run_module(MODULE, [], BACKEND)
    assert not ran.exists()


def test_the_process_has_this_package_and_what_the_user_added(
    tmp_path, monkeypatch, code
):
    (tmp_path / "own.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}")
    answer = tmp_path / "answer.json"
    code(
        "import json, own, os\n"
        "found = package.__file__, own.__file__, os.environ['KERAS_BACKEND']\n"
        f"json.dump(found, open({str(answer)!r}, 'w'))"
    )
    process.run_module(MODULE, [], BACKEND)
    ours, own, backend = json.loads(answer.read_text())
    assert Path(ours).samefile(keras_pnnh.__file__)
    assert own == str(tmp_path / "own.py")
    assert backend == BACKEND


def children():
    listed = Path(f"/proc/self/task/{threading.main_thread().native_id}")
    return (listed / "children").read_text().split()


linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
@pytest.mark.parametrize(
    ("limits", "text", "message"),
    [
        ((1.0, 60.0), "while True: pass", "after 1 seconds, was still at work"),
        ((60.0, 1.0), "import time; time.sleep(99)", "computed nothing"),
        (
            (60.0, 1.0),
            "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
            "computed nothing",
        ),
    ],
)
def test_a_process_that_does_not_end_is_ended(
    limits, text, message, monkeypatch, code
):
    time_limit, idle = limits
    monkeypatch.setattr(process, "IDLE_LIMIT", idle)
    # Without the package, whose import would compute for some seconds.
    monkeypatch.setattr(process, "CODE", "# {module}\n" + text)
    before = children()
    start = time.monotonic()
    with pytest.raises(process.TimeLimitError, match=message) as caught:
        process.run_module(MODULE, [], BACKEND, time_limit)
    assert time.monotonic() - start < 50  # the other limit, and the sleep
    assert "`time_limit=" in str(caught.value)
    assert children() == before


def test_a_process_may_take_its_time(monkeypatch):
    # On a busy machine a process may wait a second for its turn.
    monkeypatch.setattr(process, "IDLE_LIMIT", 2.0)
    text = "import time\nend = time.time() + 2.5\nwhile time.time() < end: pass"
    monkeypatch.setattr(process, "CODE", "# {module}\n" + text)
    process.run_module(MODULE, [], BACKEND, 60.0)
    process.run_module(MODULE, [], BACKEND, None)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_limits_that_are_none(limit):
    with pytest.raises(ValueError, match="time_limit="):
        process.run_module(MODULE, [], BACKEND, limit)


def test_a_process_that_fails_says_so(monkeypatch):
    text = "import sys; print('first', file=sys.stderr); sys.exit('Killed')"
    monkeypatch.setattr(process, "CODE", "# {module}\n" + text)
    with pytest.raises(ValueError, match="ended with status 1: Killed"):
        process.run_module(MODULE, [], "torch")


def test_ctrl_c_ends_the_process(monkeypatch):
    monkeypatch.setattr(
        process, "CODE", "# {module}\nimport time; time.sleep(99)"
    )
    before = children() if sys.platform == "linux" else []
    # A shell that starts the tests in the background switches it off.
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            process.run_module(MODULE, [], BACKEND)
    finally:
        signal.signal(signal.SIGINT, old)
    if sys.platform == "linux":
        assert children() == before
