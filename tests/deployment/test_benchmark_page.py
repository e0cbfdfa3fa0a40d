"""A report says first what a chain wins and where it does not, as text."""

import html.parser
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import numpy as np
import pytest

from keras_pnnh.applications import PlainResNet, catalog
from keras_pnnh.auditing import audit
from keras_pnnh.cli.main import main
from keras_pnnh.deployment.benchmark_findings import Finding, find
from keras_pnnh.deployment.benchmark_page import write_report
from keras_pnnh.deployment.ratios import range_of_median
from keras_pnnh.folding import fold

pytestmark = pytest.mark.torch_only

CHAIN, TWIN = "plain, folded", "twin <b>$x$&"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def network(path="coder"):
    return PlainResNet(
        (1, 1), (4, 8), input_shape=(8, 8, 3), internal_path=path
    )


@pytest.fixture(scope="module")
def reports():
    models = {
        CHAIN: fold(network()),
        "plain, not folded": network(),
        TWIN: fold(network("residual")),
    }
    return {label: audit(model) for label, model in models.items()}


def row(model, latency, memory, runtime="runtime <1>", spread=0.02):
    low, high = latency / 10 - spread, latency / 10 + spread
    return {
        "format": "onnx",
        "runtime": runtime,
        "model": model,
        "latency": latency / 1e3,
        "latency_ratio": latency / 10,
        "latency_range": [low, high],
        "throughput": 8e3 / latency,
        "throughput_ratio": latency / 10,
        "throughput_range": [low, high],
        "memory": memory and memory * 1e6,
        "memory_ratio": memory and memory / 20,
    }


@pytest.fixture
def record(reports):
    return {
        "model": "tiny & small",
        "input_shape": [8, 8, 3],
        "counts": {
            label: {
                "macs": report.macs,
                "parameters": report.folded_parameters,
                "peak_activation": report.peak_activation,
                "peak_layer": report.peak_layer,
            }
            for label, report in reports.items()
        },
        "accuracy": {},
        "settings": {"rounds": 3, "batch_size": 8, "threads": 1},
        "versions": {"keras": "3"},
        "hardware": {"processor": "A <fast> one\x1b[2J"},
        "rows": [
            row(CHAIN, 10, 20),
            row("plain, not folded", 15, None),
            row(TWIN, 12.5, 20.2),
        ],
    }


class Page(html.parser.HTMLParser):
    """Elements, references and texts, those of the two boxes apart."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.links, self.boxes, self.text = [], [], [], ""
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.links += [v for k, v in attributes if k in ("src", "href")]
        if tag == "section":
            self.boxes.append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside &= tag != "section"

    def handle_data(self, data):
        self.text += data
        if self.inside:
            self.boxes[-1] += data


def written(record, reports, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, record, reports)
    return path.read_text(encoding="utf-8")


def test_wins_and_losses_come_first(record, reports, tmp_path):
    text = written(record, reports, tmp_path)
    wins, rest = Page(text).boxes
    assert "time of one image: 1.25x (runtime <1>)" in wins
    assert "peak activation" in wins  # the twin holds more
    assert "memory" not in wins
    # One in a hundred is noise.
    assert rest.startswith("Where it does not")
    assert "memory of a batch: 1.01x" in rest
    assert "not folded" not in wins + rest
    body = text[text.index("<body>") :]
    assert body.index("Where it does not") < body.index("<svg")


def test_what_noise_may_have_made_is_undecided(record, reports, tmp_path):
    record["rows"][-1] = row(TWIN, 12.5, 20.2, spread=0.3)
    wins, rest = Page(written(record, reports, tmp_path)).boxes
    assert "time" not in wins
    assert "1.25x (runtime <1>, undecided: 0.95x to 1.55x)" in rest
    record["rows"][-1]["latency_range"] = None
    _, rest = Page(written(record, reports, tmp_path)).boxes
    assert "1.25x (runtime <1>, undecided: too few rounds)" in rest


@pytest.mark.parametrize(
    ("where", "ratio", "known", "verdict"),
    [
        ("a", 1.1, (1.01, 1.2), "ahead"),
        ("a", 1.1, (0.99, 1.2), "undecided"),
        ("a", 0.9, (0.8, 0.99), "behind"),
        ("a", 0.9, (0.8, 1.01), "undecided"),
        ("a", 1.01, (0.99, 1.015), "level"),
        ("a", 1.01, (0.9, 1.1), "undecided"),
        ("a", 1.5, None, "undecided"),
        ("counted", 1.001, (1.001, 1.001), "ahead"),
        ("counted", 1.0, (1.0, 1.0), "level"),
    ],
)
def test_verdicts(where, ratio, known, verdict):
    found = Finding("twin", "time", where, ratio, known)
    assert found.verdict == verdict and found.won == (verdict == "ahead")


def test_the_range_holds_the_median_as_often_as_it_says():
    generator = np.random.default_rng(0)
    for count in (5, 6, 11, 20):
        draws = generator.standard_exponential((4000, count))
        held = 0
        for values in draws:
            low, high = range_of_median(list(values))
            held += low <= np.log(2) <= high
        assert 0.89 < held / len(draws) < 0.99
    assert range_of_median([1, 2, 3, 4]) is None
    low, high = range_of_median(list(range(11)))
    assert (low, high) == (2, 8)  # not all of them


def test_one_file_holds_everything_as_text(record, reports, tmp_path):
    text = written(record, reports, tmp_path)
    page = Page(text)
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert {"script", "fast", "b"} & set(page.elements) == {"b"}
    assert page.elements.count("svg") == 2 and "\x1b" not in text
    for name in (TWIN, "tiny & small", "A <fast> one\\x1b[2J"):
        assert name in page.text
    assert "prefers-color-scheme: dark" in text
    names = [part.split('"')[0] for part in text.split(' id="')[1:]]
    assert len(set(names)) == len(names)
    # Black would not be seen on a dark page.
    assert "#000000" not in text and "currentColor" in text


def test_every_figure_is_well_formed(record, reports, tmp_path):
    text = written(record, reports, tmp_path)
    for part in text.split("<svg ")[1:]:
        svg = "<svg " + part.partition("</svg>")[0] + "</svg>"
        root = xml.etree.ElementTree.fromstring(svg)
        words = " ".join(root.itertext())
        assert CHAIN in words and TWIN in words


def test_accuracy_is_drawn_where_it_is_known(record, reports, tmp_path):
    assert "multiplications a second" in written(record, reports, tmp_path)
    stated = {"weights": "a.b", "name": "top-1 <%>", "data": "D", "source": "S"}
    record["accuracy"] = {
        CHAIN: {"value": 80.0, **stated},
        "plain, not folded": {"value": 80.0, **stated},
    }
    # One accuracy, twice, makes no frontier, but is stated.
    text = written(record, reports, tmp_path)
    assert "multiplications a second" in text and "80.00" in text
    record["accuracy"][TWIN] = {"value": 81.0, **stated}
    assert "joins whom nobody beats" in written(record, reports, tmp_path)
    del record["accuracy"]["plain, not folded"]
    text = written(record, reports, tmp_path)
    assert "without a published number: plain, not folded." in text
    # Numbers on other data are not beside them.
    record["accuracy"][TWIN]["data"] = "E"
    assert "multiplications a second" in written(record, reports, tmp_path)


def test_what_a_system_does_not_tell_is_left_out(record):
    found = find(record["rows"], {CHAIN: {}, TWIN: {}})
    assert [(f.model, f.what) for f in found].count(
        ("plain, not folded", "memory of a batch")
    ) == 0
    assert len(found) == 5


def test_the_command_refuses_before_it_measures(tmp_path, capsys, monkeypatch):
    def measure(*arguments, **options):
        pytest.fail("measured")

    monkeypatch.setattr("keras_pnnh.cli.contestants.measure", measure)
    monkeypatch.setitem(catalog.MODELS, "tiny", network)
    command = ["bench", "--model", "tiny", "--report"]
    assert main([*command, str(tmp_path)]) == 1
    assert "A report is one file" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main([*command, str(tmp_path / "report.html")]) == 1
    assert "keras-pnnh[images]" in capsys.readouterr().err


def test_it_opens_in_a_browser(record, reports, tmp_path):
    """Nothing to complain of, and nothing wider than a narrow screen."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser installed: none of {', '.join(BROWSERS)}")
    written(record, reports, tmp_path)
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--screenshot={tmp_path / 'page.png'}",
            (tmp_path / "report.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr
    assert (tmp_path / "page.png").stat().st_size > 10_000
