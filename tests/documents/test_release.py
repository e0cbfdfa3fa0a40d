"""A release is refused where tag, version and changelog differ."""

import shutil
import sys
from pathlib import Path

import pytest

from keras_pnnh import __version__

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tools"))

import check_release  # noqa: E402


@pytest.fixture
def root(tmp_path):
    (tmp_path / "keras_pnnh").mkdir()
    shutil.copy(ROOT / "keras_pnnh" / "_version.py", tmp_path / "keras_pnnh")
    (tmp_path / "CHANGELOG.md").write_text(f"## [{__version__}] - today\n")
    return tmp_path


def test_the_tag_of_the_version_passes(root):
    assert check_release.check(f"v{__version__}", root) is None


@pytest.mark.parametrize("tag", [__version__, "v99.0.0", f"v{__version__}rc1"])
def test_another_tag_is_refused(tag, root):
    assert f"Received: '{tag}'" in check_release.check(tag, root)


def test_a_version_without_a_section_is_refused(root):
    (root / "CHANGELOG.md").write_text("## [Unreleased]\n")
    assert "must have a section" in check_release.check(f"v{__version__}", root)
