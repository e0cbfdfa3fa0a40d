"""The page that runs a network shows what was counted and computed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.data import read_image
from keras_pnnh.samples import sample_images

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tools"))

import browser_page  # noqa: E402

SITE = ROOT / "build" / "site"
PAGE = ROOT / "docs" / "browser.md"
SCRIPTS = sorted((ROOT / "docs" / "browser").glob("*.js"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("page") / "network.onnx"
    return path, browser_page.write_network(path)


@pytest.mark.slow
def test_the_tensors_are_those_of_keras(written):
    import onnxruntime

    path, page = written
    session = onnxruntime.InferenceSession(path)
    images = np.stack([read_image(s.path) for s in sample_images()[::6]])
    images = images.astype("float32")
    names = [step["tensor"] for step in page["steps"]]
    found = session.run([*names, page["result"]], {page["input"]: images})
    chain = keras_pnnh.fold(
        keras_pnnh.create_model(browser_page.NETWORK, weights="cifar10")
    )
    layers = [f"{step['name']}_relu" for step in page["steps"]] + ["head"]
    reader = keras.Model(
        chain.inputs, [chain.get_layer(name).output for name in layers]
    )
    for name, ours, theirs in zip(
        layers, found, reader.predict(images, verbose=0), strict=True
    ):
        step = next(
            (s for s in page["steps"] if name.startswith(s["name"])), {}
        )
        if step.get("channels_first"):
            ours = np.moveaxis(ours, 1, -1)
        scale = np.abs(theirs).max()
        assert np.abs(ours - theirs).max() < 1e-4 * scale, name


@pytest.mark.slow
def test_the_numbers_are_those_of_the_audit(written):
    path, page = written
    assert page["joins"] == 0 and page["bytes"] == path.stat().st_size
    chain, twin = (
        keras_pnnh.fold(
            keras_pnnh.create_model(browser_page.NETWORK, internal_path=path)
        )
        for path in ("none", "residual")
    )
    for label, model in (("chain", chain), ("twin", twin)):
        report = keras_pnnh.audit(model)
        assert page["peak"][label]["bytes"] == 4 * report.peak_activation
    # Every layer with a kernel but the classifier ends a step.
    assert len(page["steps"]) == keras_pnnh.audit(chain).depth - 1
    merges = [
        name.removesuffix("_add") for name in keras_pnnh.audit(twin).merges
    ]
    for step in page["steps"]:
        assert len(step["chain"]) == 1
        assert step["chain"] == step["twin"][:1]
        if step["name"] in merges:
            assert len(step["twin"]) == 2


def test_no_number_is_typed_into_the_page():
    """They come with the file; what is left are sides and the year of SIMD."""
    text = PAGE.read_text(encoding="utf-8")
    assert not re.findall(
        r"\d[\d,]* bytes|\d+(?:\.\d+)? %|\d+(?:\.\d+)?x\b", text
    )


def test_the_page_asks_no_other_host():
    for path in (PAGE, *SCRIPTS):
        assert "//" not in re.sub(
            r"^\s*//.*$|\s//\s.*$", "", path.read_text(), flags=re.M
        )
    names = set(re.findall(r'find\("(\w+)"\)', SCRIPTS[0].read_text()))
    assert names and SCRIPTS[0].name == "app.js"
    for name in names:
        assert f'id="browser-{name}"' in PAGE.read_text(encoding="utf-8")


def test_without_npm_it_says_so_and_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(browser_page, "NPM", tmp_path / "npm")
    monkeypatch.setattr(browser_page.shutil, "which", lambda name: None)
    assert browser_page.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert not list(tmp_path.iterdir())
    assert browser_page.main([str(tmp_path), "--check"]) == 1
    assert "npm is not installed" in capsys.readouterr().out


def test_npm_that_fails_is_no_fault_of_the_site(tmp_path, monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 1, "", "npm error: no network\n")
    monkeypatch.setattr(browser_page, "NPM", tmp_path / "npm")
    monkeypatch.setattr(browser_page.shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: failed)
    assert browser_page.main([str(tmp_path)]) == 0
    assert "npm error: no network" in capsys.readouterr().out


def test_another_runtime_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "node_modules" / browser_page.RUNTIME / "dist"
    folder.mkdir(parents=True)
    for name in browser_page.FILES:
        (folder / name).write_text("other")
    monkeypatch.setattr(browser_page, "NPM", tmp_path)
    with pytest.raises(ValueError, match="to the byte"):
        browser_page.vendor(tmp_path / "vendor")
    assert not list((tmp_path / "vendor").iterdir())


@pytest.mark.slow
def test_it_runs_in_a_browser():
    """The whole list of `make browser`, where that has been called before."""
    script = ROOT / "tools" / "browser_check.mjs"
    playwright = browser_page.NPM / "node_modules" / "playwright-core"
    needed = (playwright, browser_page.EXPECTED, SITE / "browser/page.json")
    if shutil.which("node") is None or not all(map(Path.exists, needed)):
        pytest.skip("what it needs is not there: run `make browser` first")
    for path in SCRIPTS:  # those of now
        shutil.copyfile(path, SITE / "browser" / path.name)
    done = subprocess.run(
        ["node", script, SITE, browser_page.EXPECTED, browser_page.NPM],
        capture_output=True,
        text=True,
        timeout=900,
    )
    if done.returncode == 77:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    names = json.loads((SITE / "browser/page.json").read_text())["samples"]
    assert len(names) == len(sample_images())
