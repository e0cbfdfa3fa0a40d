"""Networks take turns in every runtime, and the ratios are to the first."""

import json

import keras
import numpy as np
import pytest

from keras_pnnh.applications import PlainResNet, catalog
from keras_pnnh.cli import contestants
from keras_pnnh.cli.main import main
from keras_pnnh.deployment import benchmark, timing
from keras_pnnh.deployment.formats import FORMATS

SHAPE = (8, 8, 3)


def tiny_model(**arguments):
    arguments = {"input_shape": SHAPE, "classes": 2, **arguments}
    return PlainResNet((1, 1), (4, 8), name="tiny", **arguments)


@pytest.fixture
def here(monkeypatch):
    """A format that needs no runtime; what was opened, and in which order."""
    calls = []

    def open_file(path, threads):
        def run(images):
            calls.append((path.name, len(images)))
            # Memory that is touched: 1 MB for each image.
            return np.ones((len(images), 1 << 17)).sum(axis=1)

        return run

    form = FORMATS["onnx"]._replace(
        name="fake",
        suffix=".fake",
        backends=(keras.backend.backend(),),
        packages=(),
        converters={},
        write=lambda model, path, representative: path.write_bytes(b"x"),
        open=open_file,
    )
    monkeypatch.setitem(FORMATS, "fake", form)
    monkeypatch.setattr(benchmark, "export", lambda *arguments, **options: None)

    def start(
        format, task, paths, shape, batch_size, rounds, threads, time_limit
    ):
        assert (tuple(shape), threads) == (SHAPE, 1)
        images = np.zeros((batch_size, *shape), "float32")
        networks = {key: open_file(paths[key], threads) for key in paths}
        measure = {"times": timing._times, "memory": timing._memory}[task]
        return measure(networks, images, rounds)

    monkeypatch.setattr(timing, "_start", start)
    return calls


def test_networks_take_turns(here):
    models = {name: tiny_model() for name in ("first", "second")}
    seen = []
    rows = benchmark.benchmark(
        models, ["fake"], batch_size=4, rounds=3, progress=seen.append
    )
    assert seen == [rows]
    assert [row["model"] for row in rows] == ["first", "second"]
    # After two runs each to warm up; then there and back.
    turns = [name[7] for name, count in here if count == 1][4:10]
    assert "".join(turns) == "011001"
    for row in rows:
        assert row["latency"] > 0 and row["throughput"] > 0
    for key in ("latency_ratio", "throughput_ratio"):
        assert rows[0][key] == 1
    text = benchmark.as_text(rows)
    assert text.count("onnxruntime") == 2 and "images/s" in text


def test_memory_is_that_of_the_batch_alone(here, tmp_path):
    found = {
        size: timing.measure_memory(
            FORMATS["fake"], tmp_path / "x", SHAPE, size
        )
        for size in (20, 40)
    }
    if None in found.values():
        pytest.skip("the system does not tell")
    assert found[40] > 1.5 * found[20] > 10e6


@pytest.mark.slow
@pytest.mark.torch_only
def test_a_process_measures_a_file(tmp_path):
    from onnx import TensorProto, helper

    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *SHAPE])
        for name in ("images", "results")
    ]
    node = helper.make_node("Relu", ["images"], ["results"])
    graph = helper.make_graph([node], "net", values[:1], values[1:])
    opset = [helper.make_opsetid("", 15)]
    path = tmp_path / "net.onnx"
    path.write_bytes(
        helper.make_model(
            graph, opset_imports=opset, ir_version=8
        ).SerializeToString()
    )
    times = timing.measure_times(
        FORMATS["onnx"], {"a": path, "b": path}, SHAPE, 2, rounds=3
    )
    assert set(times) == {"a", "b"}
    assert all(
        len(seconds) == 3 and min(seconds) > 0 for seconds in times.values()
    )


def test_a_process_that_fails_says_so(tmp_path, monkeypatch):
    def fails(*arguments, **options):
        raise ValueError("Fail: no net")

    monkeypatch.setattr(timing, "run_module", fails)
    with pytest.raises(ValueError, match=r"\['file'\] as .*onnx.*: Fail: no"):
        timing.measure_memory(FORMATS["onnx"], tmp_path / "x", SHAPE, 2)


def test_bench_prints_and_writes(here, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(catalog.MODELS, "tiny", tiny_model)
    monkeypatch.setitem(catalog.MODELS, "other", tiny_model)
    path, page = tmp_path / "record.json", tmp_path / "report.html"
    arguments = ["bench", "--model", "tiny", "--formats", "fake"]
    arguments += ["--rounds", "1", "--output", str(path)]
    assert main([*arguments, "--beside", "other", "--report", str(page)]) == 0
    printed = capsys.readouterr()
    assert "residual twin, folded" in printed.out
    assert "measured: onnxruntime" in printed.err
    record = json.loads(path.read_text())
    assert record["input_shape"] == list(SHAPE)
    assert record["settings"]["rounds"] == 1
    counts = record["counts"]
    plain, twin = counts["plain, folded"], counts["residual twin, folded"]
    assert plain["peak_activation"] < twin["peak_activation"]
    assert counts["other, folded"] == plain
    assert len(record["rows"]) == len(counts) == 4
    text = page.read_text(encoding="utf-8")
    assert f"{1e3 * record['rows'][0]['latency']:.2f}" in text
    assert text.index("What the chain") < text.index("Where it does not")


def test_accuracies_are_those_of_the_table_of_weights():
    def stated(name, size, beside=()):
        shape = (size, size, 3)
        models = {contestants.PLAIN: tiny_model(input_shape=shape)}
        found = contestants._accuracies(name, models, beside)
        return {label: entry["weights"] for label, entry in found.items()}

    assert stated("plain_resnet20", 32, ["plain_wide11"]) == {
        "plain, folded": "plain_resnet20.cifar10",
        "plain, not folded": "plain_resnet20.cifar10",
        "plain_wide11, folded": "plain_wide11.cifar10",
    }
    # The published network has skips, and the size that it was measured at.
    twin = {"residual twin, folded": "plain_resnet50.imagenet"}
    assert stated("plain_resnet50", 224) == twin
    assert stated("plain_resnet50", 64) == stated("tiny", 32) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--formats", "litert_int8"], "Leave 'litert_int8' out"),
        (["--formats", "onxn"], "Did you mean 'onnx'"),
        (["--batch-size", "1"], "batch_size=1"),
        (["--threads", "0"], "threads=0"),
        (["--beside", "tiny"], "Name each once"),
    ],
)
def test_wrong_arguments(arguments, message, capsys, monkeypatch):
    monkeypatch.setitem(catalog.MODELS, "tiny", tiny_model)
    assert main(["bench", "--model", "tiny", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_images_must_have_one_size():
    models = {"a": tiny_model(), "b": tiny_model(input_shape=(9, 9, 3))}
    with pytest.raises(ValueError, match="images of one size"):
        benchmark.benchmark(models)
