"""What a notebook shows of a report."""

import html.parser

import pytest

from keras_pnnh import audit, from_residual
from keras_pnnh.applications import PlainResNet
from keras_pnnh.deployment.report import ExportReport
from keras_pnnh.presentation.html_summary import as_html


class Cells(html.parser.HTMLParser):
    """Texts of a table by their tags."""

    def __init__(self, text):
        super().__init__()
        self.found, self.tag = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tag = tag

    def handle_data(self, data):
        self.found.append((self.tag, data))


def test_an_audit_shows_its_table():
    report = audit(PlainResNet((1,), (4,), input_shape=(8, 8, 3)))
    shown = report._repr_html_()
    assert len(shown) < 2000
    found = Cells(shown).found
    assert found[0] == ("caption", str(report).splitlines()[0])
    names = [text for tag, text in found if tag == "th"]
    for name in ("plain", "parameters", "multiply-accumulates"):
        assert name in names
    assert all(text in str(report) for _, text in found)


def test_a_report_of_a_file_does_too():
    report = ExportReport("onnx", "a.onnx", 1234, "torch", "onnxruntime 1")
    assert "<caption>a.onnx: onnx, 1,234 bytes" in report._repr_html_()


def test_a_certificate_does_too():
    twin = PlainResNet(
        (1,), (4,), input_shape=(8, 8, 3), internal_path="residual"
    )
    _, certificate = from_residual(twin)
    found = Cells(certificate._repr_html_()).found
    assert found[0] == ("caption", str(certificate).splitlines()[0])
    assert ("th", "pass-through channels") in found


@pytest.mark.parametrize("name", ["<b>", "a&b", '"', "\x1b[2J", "</table>"])
def test_text_is_text(name):
    shown = as_html(f"{name}\n  {name}: {name}")
    texts = [text for _, text in Cells(shown).found]
    assert len(texts) == 3 and len(set(texts)) == 1
    assert "\x1b" not in shown
