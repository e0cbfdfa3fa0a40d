import errno
import os

import h5py
import pytest

from keras_pnnh.files import (
    LIST,
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


def write_folder(path, content="first"):
    with replace_folder_when_complete(path) as unfinished:
        (unfinished / "sub").mkdir(parents=True)
        (unfinished / "mark").write_text(content)
        (unfinished / "sub" / "values").write_text(content)


def test_a_folder_replaces_what_was_written_before(tmp_path):
    folder = tmp_path / "net"
    for content in ("first", "second"):
        write_folder(folder, content)
        assert (folder / "sub" / "values").read_text() == content
        assert list(tmp_path.iterdir()) == [folder]
    with pytest.raises(OSError, match="No space"):
        with replace_folder_when_complete(folder) as unfinished:
            unfinished.mkdir()
            raise OSError(errno.ENOSPC, "No space left on device")
    assert (folder / "mark").read_text() == "second"
    assert list(tmp_path.iterdir()) == [folder]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "net").mkdir()
    write_folder(tmp_path / "net")
    assert (tmp_path / "net" / "mark").read_text() == "first"


def add_file(folder):
    (folder / "thesis.txt").write_text("keep me")


def add_below(folder):
    (folder / "sub" / "notes").write_text("keep me")


def add_link(folder):
    (folder / "link").symlink_to("/nowhere")


def change(folder):
    (folder / "mark").write_text("tuned by hand")


def lose_list(folder):
    (folder / LIST).unlink()  # another tool's folder has none


def damage_list(folder):
    (folder / LIST).write_text("[1")


@pytest.mark.parametrize(
    "alter", [add_file, add_below, add_link, change, lose_list, damage_list]
)
def test_nothing_foreign_in_a_folder_is_removed(alter, tmp_path):
    folder = tmp_path / "net"
    write_folder(folder)
    alter(folder)
    before = {path: path.is_file() for path in folder.rglob("*")}
    with pytest.raises(ValueError, match="holds nothing but"):
        write_folder(folder, "second")
    assert {path: path.is_file() for path in folder.rglob("*")} == before
    assert (folder / "mark").read_text() != "second"
    assert list(tmp_path.iterdir()) == [folder]


def test_no_folder_is_put_in_place_of_a_file_or_a_link(tmp_path):
    (tmp_path / "file").write_text("keep me")
    write_folder(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(ValueError, match="no folder"):
            write_folder(tmp_path / name)
    assert (tmp_path / "file").read_text() == "keep me"
    assert (tmp_path / "link").is_symlink()
