import errno
import os

import h5py
import pytest

from keras_pnnh.files import (
    remove_unfinished,
    replace_folder_when_complete,
    replace_when_complete,
    write_text,
)


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "file.weights.h5"
    path.write_text("before")
    return path


def content_of(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_replaces_in_one_step(target, tmp_path):
    with replace_when_complete(target) as unfinished:
        assert unfinished.parent == tmp_path
        assert unfinished.name.endswith("file.weights.h5")
        unfinished.write_text("after")
        assert target.read_text() == "before"
    assert content_of(tmp_path) == {"file.weights.h5": "after"}


def test_makes_the_folder(tmp_path):
    write_text(tmp_path / "a" / "b" / "note.txt", "text")
    assert content_of(tmp_path / "a" / "b") == {"note.txt": "text"}


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        # As h5py raises them, without a number.
        OSError("No space left on device"),
        RuntimeError("Can't decrement id ref count\n(No space left on device)"),
    ],
)
def test_failure_is_one_sentence_and_changes_nothing(error, target, tmp_path):
    with pytest.raises(OSError) as caught:
        with replace_when_complete(target) as unfinished:
            unfinished.write_text("half")
            raise error
    message = str(caught.value)
    assert "No space left on device" in message
    assert str(target) in message
    assert "Free some space" in message
    assert "None" not in message
    assert "\n" not in message
    assert caught.value.errno == getattr(error, "errno", None)
    assert content_of(tmp_path) == {"file.weights.h5": "before"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_other_errors_pass_and_change_nothing(error, target, tmp_path):
    with pytest.raises(error, match="other"):
        with replace_when_complete(target) as unfinished:
            unfinished.write_text("half")
            raise error("other")
    assert content_of(tmp_path) == {"file.weights.h5": "before"}


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_reserved_space_is_found_missing_before_hdf5(target, tmp_path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            with replace_when_complete(target, reserve=200_000):
                pytest.fail("nothing may be written")
        with replace_when_complete(target, reserve=90_000) as unfinished:
            with h5py.File(unfinished, "w") as file:
                file["values"] = range(10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with h5py.File(target) as file:
        assert file["values"][3] == 3
    assert len(list(tmp_path.iterdir())) == 1


def test_leftovers_of_a_killed_process_are_removed(target, tmp_path):
    (tmp_path / ".unfinished-123-file.weights.h5").write_text("half")
    remove_unfinished(tmp_path)
    assert content_of(tmp_path) == {"file.weights.h5": "before"}


def test_a_folder_is_replaced_by_one_of_its_kind_only(tmp_path):
    folder = tmp_path / "net"
    for content in ("first", "second"):
        with replace_folder_when_complete(folder, "mark") as unfinished:
            unfinished.mkdir()
            (unfinished / "mark").write_text(content)
        assert (folder / "mark").read_text() == content
        assert list(tmp_path.iterdir()) == [folder]
    with pytest.raises(OSError, match="No space"):
        with replace_folder_when_complete(folder, "mark") as unfinished:
            unfinished.mkdir()
            raise OSError(errno.ENOSPC, "No space left on device")
    assert (folder / "mark").read_text() == "second"
    assert list(tmp_path.iterdir()) == [folder]
    for other in (tmp_path, folder / "mark"):
        with pytest.raises(ValueError, match="holds something else"):
            with replace_folder_when_complete(other, "mark"):
                pass
    assert (folder / "mark").read_text() == "second"
