"""The bundled network for the page of the site that runs it in the browser.

Write:  python tools/browser_page.py build/site          (by `make docs`)
Check:  python tools/browser_page.py build/site --check  (by `make browser`)

The page, `docs/browser.md` with the scripts in `docs/browser/`, is a part of
every site. What it loads is made here and not committed: the network, exported
by the library, the numbers that the page shows, the sample pictures, and the
runtime onnxruntime-web, which npm fetches once. Without npm or a network this
says so in a line and leaves them out; the page then says so, too. `--check`
also fetches playwright-core and tries the page in a headless Chromium.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

# What else computes ONNX files is TensorFlow, which is slower to start.
os.environ.setdefault("KERAS_BACKEND", "torch")

ROOT = Path(__file__).parents[1]
NPM = ROOT / "build" / "npm"
EXPECTED = ROOT / "build" / "browser" / "expected.json"

NETWORK = "plain_wide11_small"
RUNTIME = "onnxruntime-web"
VERSION = "1.30.0"
FILES = {
    "ort.wasm.min.mjs": (
        "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b"
    ),
    "ort-wasm-simd-threaded.mjs": (
        "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b"
    ),
    "ort-wasm-simd-threaded.wasm": (
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
    ),
}
PLAYWRIGHT = "playwright-core@1.65.1"
FLOAT = 4  # bytes


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, help="the site that MkDocs built")
    parser.add_argument("--check", action="store_true", help="in a browser")
    options = parser.parse_args(arguments)
    folder = options.site / "browser"
    reason = fetch(f"{RUNTIME}@{VERSION}")
    if reason:
        print(f"the page that runs the network gets none: {reason}")
        return 1 if options.check else 0
    vendor(folder / "vendor")
    write(folder)
    print(f"the page that runs the network: {folder.with_suffix('.html')}")
    return check(options.site) if options.check else 0


def fetch(package):
    """Install a package of npm; why not, or None."""
    name = package.rpartition("@")
    present = NPM / "node_modules" / name[0] / "package.json"
    if (
        present.is_file()
        and json.loads(present.read_text())["version"] == (name[2])
    ):
        return None
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    NPM.mkdir(parents=True, exist_ok=True)
    # No script of a package runs.
    command = [npm, "install", "--prefix", str(NPM), "--ignore-scripts"]
    command += ["--no-audit", "--no-fund", package]
    try:
        done = subprocess.run(
            command, cwd=NPM, capture_output=True, text=True, timeout=300
        )
    except subprocess.TimeoutExpired:
        return "npm took more than 300 seconds"
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        return f"npm failed: {lines[0]}"
    return None


def vendor(folder):
    """Copy the files of the runtime that the page loads, and no others."""
    source = NPM / "node_modules" / RUNTIME / "dist"
    folder.mkdir(parents=True, exist_ok=True)
    for name, digest in FILES.items():
        content = (source / name).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise ValueError(
                f"The runtime is {RUNTIME} {VERSION} to the byte. Received: "
                f"'{name}' with SHA-256 {found}. Remove '{NPM}' and try "
                "again; for another version change `VERSION` and `FILES`."
            )
        (folder / name).write_bytes(content)


def write(folder):
    """The network, its numbers and the samples."""
    from keras_pnnh.samples import sample_images

    samples = []
    for sample in sample_images():
        name = f"{sample.label}_{sample.path.name}"
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.path, folder / "samples" / name)
        samples.append({"file": f"samples/{name}", "label": sample.label})
    numbers = write_network(folder / "network.onnx")
    page = {**numbers, "samples": samples, "runtime": f"{RUNTIME} {VERSION}"}
    text = json.dumps(page, indent=1) + "\n"
    (folder / "page.json").write_text(text, encoding="utf-8")


def write_network(path):
    """Export the chain, with every tensor that travels as a further result.

    Args:
        path: Where to write the ONNX file.

    Returns:
        A dictionary: what the page shows of chain and twin.
    """
    import keras_pnnh
    from keras_pnnh.weights.registry import WEIGHTS

    entry = WEIGHTS[f"{NETWORK}.cifar10"]
    chain = keras_pnnh.fold(keras_pnnh.create_model(NETWORK, weights="cifar10"))
    twin = keras_pnnh.fold(
        keras_pnnh.create_model(NETWORK, internal_path="residual")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    report = keras_pnnh.export(chain, path, "onnx")
    steps = compare(chain, twin)
    inputs, result = show_tensors(path, steps)
    return {
        "network": f"{NETWORK}.cifar10",
        "file": path.name,
        "bytes": path.stat().st_size,
        "joins": report.joins,
        "input": inputs,
        "result": result,
        "labels": list(entry.labels),
        "accuracy": {
            "value": entry.metrics[0].value,
            "data": entry.metrics[0].data,
        },
        "peak": {"chain": peak(chain), "twin": peak(twin)},
        "steps": steps,
    }


def peak(model):
    """The most that is held at once, and where."""
    import keras_pnnh

    report = keras_pnnh.audit(model)
    return {"bytes": FLOAT * report.peak_activation, "at": report.peak_layer}


def compare(chain, twin):
    """What waits after each step of the chain, and within it in the twin.

    A step ends with a ReLU. Of the places that the twin could be cut at in a
    step, the one at which most tensors wait counts, the last of such.
    """
    from keras_pnnh.graph import list_cuts

    steps, twins = [], _by_step(list_cuts(twin))
    for name, cuts in _by_step(list_cuts(chain)).items():
        (shape,) = cuts[-1].shapes
        waiting = max(reversed(twins[name]), key=lambda cut: len(cut.shapes))
        steps.append(
            {
                "name": name,
                "shape": list(shape),
                "chain": [FLOAT * cuts[-1].floats],
                "twin": [_bytes(shape) for shape in waiting.shapes],
            }
        )
    return steps


def _by_step(cuts):
    found, open_cuts = {}, []
    for cut in cuts:
        open_cuts.append(cut)
        if cut.layer.endswith("_relu"):
            found[cut.layer.removesuffix("_relu")] = open_cuts
            open_cuts = []
    return found


def _bytes(shape):
    size = FLOAT
    for side in shape:
        size *= side
    return size


def show_tensors(path, steps):
    """Make results of what the ReLUs of a file return; note their names.

    Returns:
        Names of the file's input and of its first result.
    """
    import numpy as np
    import onnx
    import onnxruntime

    model = onnx.load(path)
    found = [n.output[0] for n in model.graph.node if n.op_type == "Relu"]
    if len(found) != len(steps):
        raise ValueError(
            "The file of a chain has a ReLU for each step. Received: "
            f"{len(found)} in '{path}' for {len(steps)} steps."
        )
    result = model.graph.output[0].name
    for name in found:
        model.graph.output.append(
            onnx.helper.make_tensor_value_info(
                name, onnx.TensorProto.FLOAT, None
            )
        )
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path)
    inputs = session.get_inputs()[0].name
    images = np.zeros((1, 32, 32, 3), "float32")
    tensors = session.run(found, {inputs: images})
    for step, name, tensor in zip(steps, found, tensors, strict=True):
        first = [step["shape"][-1], *step["shape"][:-1]]
        step["tensor"] = name
        step["channels_first"] = list(tensor.shape[1:]) == first
        if list(tensor.shape[1:]) not in (first, step["shape"]):
            raise ValueError(
                "A step is as large in the file as in Keras. Received: "
                f"{tensor.shape[1:]} in the file, {step}."
            )
    return inputs, result


def check(site):
    """Try the page in a headless Chromium; the exit status."""
    import numpy as np

    import keras_pnnh
    from keras_pnnh.data import read_image
    from keras_pnnh.samples import sample_images

    samples = sample_images()
    images = np.stack([read_image(sample.path) for sample in samples])
    model = keras_pnnh.create_model(NETWORK, weights="cifar10")
    EXPECTED.parent.mkdir(parents=True, exist_ok=True)
    EXPECTED.write_text(json.dumps(model.predict(images, verbose=0).tolist()))
    reason = fetch(PLAYWRIGHT)
    if reason or shutil.which("node") is None:
        print(f"not tried in a browser: {reason or 'node is not installed'}")
        return 1
    script = ROOT / "tools" / "browser_check.mjs"
    return subprocess.run(
        ["node", str(script), str(site), str(EXPECTED), str(NPM)]
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
