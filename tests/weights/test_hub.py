"""Files from the Hub: verified, cached, or one clear error."""

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys

import pytest
from hub_server import HubServer

from keras_pnnh.weights import hub as library
from keras_pnnh.weights.hub import fetch

REPO, NAME, COMMIT = "owner/tiny", "model.weights.h5", 10 * "cafe"
CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def filled(hub, cache):
    """A Hub with one repository, beside an empty cache."""
    files = {NAME: CONTENT, "config.json": b"{}"}
    hub.add(REPO, files, revision=COMMIT)
    return hub


def get(repo_id=REPO, revision=COMMIT, filename=NAME, digest=DIGEST, **more):
    arguments = {"size": len(CONTENT), **more}
    return fetch(repo_id, revision, filename, digest, **arguments)


def blobs(cache):
    """All content that the cache holds, whatever its name."""
    found = [path for path in cache.rglob("*") if path.is_file()]
    notes = ("keras_pnnh", ".locks")
    return sorted(
        path.read_bytes()
        for path in found
        if not any(part in notes for part in path.parts)
        and path.name != "CACHEDIR.TAG"
        and "refs" not in path.parts
        and ".no_exist" not in path.parts
    )


def test_a_second_call_makes_no_request(filled):
    path = get()
    assert path.read_bytes() == CONTENT
    assert path.name == NAME  # Keras goes by the ending
    assert filled.count("GET", "*/config.json") == 1  # the Hub counts by it
    before = filled.count()
    assert get() == path
    assert filled.count() == before


def test_a_bit_that_rots_in_the_cache_is_noticed(filled):
    """Though size and time are those of before."""
    path = get()
    real = path.resolve()
    status = real.stat()
    content = bytearray(CONTENT)
    content[len(content) // 2] ^= 1
    real.write_bytes(content)
    os.utime(real, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert get().read_bytes() == CONTENT
    assert filled.count("GET", "/objects/*") == 2


def test_force_download(filled):
    get()
    assert get(force_download=True).read_bytes() == CONTENT
    assert filled.count("GET", "/objects/*") == 2


def test_an_unknown_size(filled):
    assert get(size=None).read_bytes() == CONTENT


def test_small_files_are_known_by_their_git_name(filled, cache):
    name = hashlib.sha1(b"blob 2\0{}").hexdigest()
    path = get(filename="config.json", digest=name, size=2)
    assert path.read_bytes() == b"{}"
    path.resolve().write_bytes(b"[]")
    assert get(filename="config.json", digest=name, size=2) == path
    assert path.read_bytes() == b"{}"


def test_cache_dir_and_environment(filled, tmp_path, monkeypatch):
    assert tmp_path / "mine" in get(cache_dir=tmp_path / "mine").parents
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert tmp_path / "home" / "hub" in get().parents


def test_a_cache_to_read_only(filled, cache):
    path = get()
    (locks,) = cache.glob(".locks/*")
    shutil.rmtree(locks)
    locks.touch()  # stands in for missing rights; root has them all
    assert get() == path
    with pytest.raises(OSError, match="a cache that can be written to"):
        get(filename="config.json", digest=hashlib.sha256(b"{}").hexdigest())


@pytest.mark.parametrize("kind", ["429", "500", "503", "dropped", "slow"])
def test_short_faults_are_sat_out(filled, kind, short_waits):
    filled.inject(kind)
    assert get().read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["truncated", "wrong_bytes"])
def test_damage_is_mended_by_a_second_download(filled, cache, kind):
    filled.inject(kind, path=f"*/{NAME}")
    assert get().read_bytes() == CONTENT
    assert filled.count("GET", "/objects/*") == 2
    assert blobs(cache).count(CONTENT) == 2  # the blob and its link
    assert set(blobs(cache)) == {CONTENT, b"{}"}


@pytest.mark.parametrize(
    ("kind", "error", "rule"),
    [
        ("truncated", ValueError, "must arrive as it was published"),
        ("wrong_bytes", ValueError, "must arrive as it was published"),
        ("dropped", FileNotFoundError, "Hub cannot be reached"),
        ("401", PermissionError, "does not accept the token"),
        ("bad_token", PermissionError, "does not accept the token"),
        ("hidden", FileNotFoundError, "no repository 'owner/tiny'"),
        ("forbidden", PermissionError, "denies access to 'owner/tiny'"),
        ("gated", PermissionError, "on request only"),
        ("no_repository", FileNotFoundError, "no repository 'owner/tiny'"),
        ("no_revision", FileNotFoundError, f"no revision '{COMMIT}'"),
        ("no_file", FileNotFoundError, "no such file"),
        ("429", ConnectionError, "limits how often"),
        ("500", ConnectionError, "fault of its own (status 500)"),
        ("503", ConnectionError, "fault of its own (status 503)"),
    ],
)
def test_faults(filled, cache, kind, error, rule, short_waits):
    filled.inject(kind, times=99)
    with pytest.raises(error) as caught:
        get()
    message = str(caught.value)
    assert rule in message
    url = f"{filled.endpoint}/{REPO}/resolve/{COMMIT}/{NAME}"
    assert f"Received: {url}" in message
    assert "\n" not in message
    assert blobs(cache) == []
    filled.heal()
    assert get().read_bytes() == CONTENT


def test_other_content_is_refused_before_it_is_downloaded(filled, cache):
    other = hashlib.sha256(b"other").hexdigest()
    for arguments in ({"digest": other}, {"size": 5}):
        with pytest.raises(ValueError, match="Nothing was downloaded"):
            get(**arguments)
    assert filled.count("GET") == 0
    assert blobs(cache) == []


def test_offline_with_an_empty_cache(hub, cache, short_waits):
    address = hub.endpoint
    hub.__exit__()
    with pytest.raises(FileNotFoundError) as error:
        get()
    message = str(error.value)
    assert f"Received: {address}/{REPO}/resolve/{COMMIT}/{NAME}" in message
    by_hand = f"put the file at $KERAS_PNNH_WEIGHTS_DIR/{REPO}/{NAME}"
    assert by_hand in message
    hub.__enter__()


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_requests_can_be_forbidden(filled, how, monkeypatch):
    arguments = {}
    if how == "argument":
        arguments["local_files_only"] = True
    else:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    reason = {
        "argument": "local_files_only=True",
        "environment": "HF_HUB_OFFLINE is set",
    }[how]
    with pytest.raises(FileNotFoundError, match=re.escape(f"({reason})")):
        get(**arguments)
    with pytest.raises(ValueError, match="Received: force_download=True"):
        get(force_download=True, **arguments)
    assert filled.count() == 0
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    path = get()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert get(**arguments) == path
    # Damaged, and no way to mend it.
    path.resolve().write_bytes(b"short")
    with pytest.raises(FileNotFoundError):
        get(**arguments)
    assert not path.exists()


def test_a_folder_of_the_users_own(hub, cache, tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    monkeypatch.setenv("KERAS_PNNH_WEIGHTS_DIR", str(folder))
    file = folder / REPO / NAME
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    assert get() == file
    assert hub.count() == 0
    file.write_bytes(bytes(len(CONTENT)))
    with pytest.raises(ValueError, match=f"Received: '{file}' with digest"):
        get()
    file.write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match=f"Received: '{file}' with 10239 byt"):
        get()
    file.unlink()  # what it lacks is looked for elsewhere
    hub.add(REPO, {NAME: CONTENT}, revision=COMMIT)
    assert cache in get().parents


def test_a_missing_config_costs_nothing(hub, cache):
    hub.add(REPO, {NAME: CONTENT}, revision=COMMIT)
    assert get().read_bytes() == CONTENT


def test_private_repositories_open_to_a_token(hub, cache, monkeypatch):
    hub.add(REPO, {NAME: CONTENT}, revision=COMMIT, access="private")
    with pytest.raises(FileNotFoundError, match="give `token=`"):
        get()
    assert get(token="hf_owner").read_bytes() == CONTENT


def test_something_else_than_a_hub(monkeypatch, cache):
    from http.server import BaseHTTPRequestHandler

    class Other(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HubServer() as server:
        server._http.RequestHandlerClass = Other
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        with pytest.raises(ConnectionError, match="no Hugging Face Hub"):
            get()


def test_ten_processes_download_once(filled, cache):
    code = (
        "import importlib.util, sys, types, pathlib;"
        "root = pathlib.Path(sys.argv[1]);"
        # The package without its __init__, which takes seconds to import.
        "names = ('keras_pnnh', 'keras_pnnh.weights');\n"
        "for name in names:\n"
        "    module = types.ModuleType(name)\n"
        "    module.__path__ = [str(root.joinpath(*name.split('.')))]\n"
        "    sys.modules[name] = module\n"
        "from keras_pnnh.weights.hub import fetch\n"
        "path = fetch(*sys.argv[2:6], int(sys.argv[6]))\n"
        "sys.stdout.write(str(path))"
    )
    root = os.path.dirname(os.path.dirname(library.__file__))
    filled.inject("slow", path=f"*/{NAME}", seconds=0.5)
    arguments = [os.path.dirname(root), REPO, COMMIT, NAME, DIGEST]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, *arguments, str(len(CONTENT))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(10)
    ]
    results = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 10, results
    (path,) = {output for output, _ in results}
    with open(path, "rb") as file:
        assert file.read() == CONTENT
    assert filled.count("GET", "/objects/*") == 1


def test_a_full_disk_is_one_sentence(filled, cache, monkeypatch):
    from huggingface_hub import file_download

    def write(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(file_download, "http_get", write)
    with pytest.raises(OSError, match="Make room there") as error:
        get()
    assert str(cache) in str(error.value)
    monkeypatch.undo()
    assert not list(cache.rglob("*.incomplete"))


@pytest.mark.parametrize("where", ["", "models--owner--tiny", "blobs"])
def test_a_file_where_a_folder_should_be(filled, cache, where):
    path = cache
    if where:
        path = cache / "models--owner--tiny"
        path = path / where if where == "blobs" else path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a file")
    with pytest.raises(OSError, match="a cache that can be written to"):
        get()
    assert path.read_text() == "a file"


def test_a_folder_where_a_file_should_be(filled, cache):
    blob = get().resolve()
    blob.unlink()
    blob.mkdir()
    with pytest.raises(OSError, match="a cache that can be written to"):
        get()
