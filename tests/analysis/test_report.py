import html.parser
import re
import shutil
import subprocess

import pytest

from keras_pnnh.analysis import write_report
from keras_pnnh.analysis.figures import PANELS, curve
from tests.analysis import faulty

BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome-headless-shell",
)


@pytest.fixture
def report(tmp_path):
    dead = faulty.chain()
    faulty.plant_dead_layer(dead)
    models = {"sound <1>": faulty.chain(), "dead": dead}
    results = write_report(models, faulty.inputs(), tmp_path, title="A & B")
    return tmp_path, results


class Links(html.parser.HTMLParser):
    """Everything that a page refers to, and the names of its elements."""

    def __init__(self, text):
        super().__init__()
        self.found, self.elements = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.found += [
            value for name, value in attributes if name in ("src", "href")
        ]


@pytest.mark.torch_only
def test_page_holds_everything(report):
    folder, results = report
    page = (folder / "report.html").read_text()
    links = Links(page)
    assert all(link.startswith("data:") for link in links.found)
    assert "script" not in links.elements
    assert "url(" not in page
    assert "A &amp; B" in page
    assert "sound &lt;1&gt;" in page
    assert results["dead"].verdict in page
    assert "dead layer at" in page
    assert (folder / "signals.png").stat().st_size > 20_000


@pytest.mark.torch_only
def test_curves_compare_networks_of_different_width(report):
    _, results = report
    signal = results["sound <1>"].signal
    for panel in PANELS:
        depths, values = curve(signal, panel)
        assert depths == list(range(1, faulty.DEPTH + 1))
        if panel.field == "gradient":
            assert values[-1] == 1
        if panel.field == "rank":
            assert max(values) <= 1


def test_a_report_needs_a_model(tmp_path):
    with pytest.raises(ValueError, match="at least one model"):
        write_report({}, faulty.inputs(), tmp_path)


# Where the browser asks for updates, the time and a dictionary, unasked.
ITS_OWN = (".google.com", ".googleapis.com", ".gvt1.com")


@pytest.mark.torch_only
def test_page_opens_in_a_browser(report, tmp_path):
    """No error on the console, no request but the file itself."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser installed: none of {', '.join(BROWSERS)}")
    folder, _ = report
    log = tmp_path / "net.json"
    screenshot = tmp_path / "page.png"
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={log}",
            f"--screenshot={screenshot}",
            (folder / "report.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr
    assert screenshot.stat().st_size > 10_000
    requested = set(re.findall(r'"url":"https?://([^/"]+)', log.read_text()))
    assert not [host for host in requested if not host.endswith(ITS_OWN)]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=.?https?:", page)
