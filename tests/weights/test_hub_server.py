"""The local Hub, by the unmodified client of the real one."""

import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from hub_repository import git_oid, sha256
from hub_server import FAULTS, HubServer
from huggingface_hub import HfApi, errors, hf_hub_download, snapshot_download

SMALL, LARGE = b'{"name": "tiny"}', bytes(range(256)) * 200
FILES = {"config.json": SMALL, "model.weights.h5": LARGE}


@pytest.fixture
def filled(hub):
    """A Hub with a repository `owner/tiny`."""
    hub.commit = hub.add("owner/tiny", FILES)
    return hub


@pytest.fixture
def fetch(filled, tmp_path):
    """Download a file as a user does; returns its content."""

    def fetch(filename="model.weights.h5", repo_id="owner/tiny", **arguments):
        arguments = {
            "endpoint": filled.endpoint,
            "cache_dir": tmp_path,
            **arguments,
        }
        path = hf_hub_download(repo_id, filename, **arguments)
        with open(path, "rb") as file:
            return file.read()

    return fetch


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["branch", "tag", "commit"])
def test_download_by_revision(filled, fetch, name, kind):
    token = {"token": "hf_owner"}
    HfApi(filled.endpoint, **token).create_tag("owner/tiny", tag="v1")
    revision = {"branch": "main", "tag": "v1", "commit": filled.commit}[kind]
    assert fetch(name, revision=revision) == FILES[name]
    assert filled.count("HEAD", f"/owner/tiny/resolve/{revision}/*") == 1
    assert filled.count("GET", "*" if name == "config.json" else "/objects/*")
    before = filled.count()
    assert fetch(name, revision=filled.commit) == FILES[name]
    assert filled.count() == before


def test_an_old_commit_keeps_its_files(filled, fetch):
    filled.add("owner/tiny", {"config.json": b"{}"})
    assert fetch("config.json") == b"{}"
    assert fetch("config.json", revision=filled.commit) == SMALL


def test_the_redirect_carries_no_token(filled, fetch):
    fetch(token="hf_owner")
    (head,) = [r for r in filled.requests if r.method == "HEAD"]
    (get,) = [r for r in filled.requests if r.method == "GET"]
    assert head.headers["authorization"] == "Bearer hf_owner"
    assert "authorization" not in {key.lower() for key in get.headers}
    assert get.headers["Host"].startswith("localhost:")


def test_metadata(filled):
    info = HfApi(filled.endpoint).model_info("owner/tiny", files_metadata=True)
    assert info.sha == filled.commit
    large = {item.rfilename: item for item in info.siblings}["model.weights.h5"]
    assert (large.size, large.lfs.sha256) == (len(LARGE), sha256(LARGE))
    small = {item.rfilename: item for item in info.siblings}["config.json"]
    assert (small.blob_id, small.lfs) == (git_oid(SMALL), None)


def test_snapshot(filled, tmp_path):
    folder = snapshot_download(
        "owner/tiny", endpoint=filled.endpoint, cache_dir=tmp_path
    )
    for name, content in FILES.items():
        with open(f"{folder}/{name}", "rb") as file:
            assert file.read() == content


def test_range(filled):
    url = f"{filled.endpoint}/owner/tiny/resolve/main/model.weights.h5"
    request = urllib.request.Request(url, headers={"Range": "bytes=100-"})
    with urllib.request.urlopen(request) as response:
        assert response.status == 206
        last, total = len(LARGE) - 1, len(LARGE)
        assert response.headers["Content-Range"] == f"bytes 100-{last}/{total}"
        assert response.read() == LARGE[100:]


def test_create_upload_and_tag(hub, tmp_path):
    api = HfApi(hub.endpoint, token="hf_owner")
    assert api.whoami()["name"] == "owner"
    for _ in range(2):  # it may exist
        url = api.create_repo("owner/mine", exist_ok=True)
        assert url.repo_id == "owner/mine"
    with pytest.raises(errors.HfHubHTTPError, match="409"):
        api.create_repo("owner/mine")
    for name, content in {**FILES, "README.md": b"# mine"}.items():
        (tmp_path / name).write_bytes(content)
    commit = api.upload_folder(repo_id="owner/mine", folder_path=tmp_path)
    assert hub.count("PUT", "/upload/*") == 1  # the large file only
    api.create_tag("owner/mine", tag="v1")
    api.delete_file("README.md", "owner/mine")
    assert set(api.list_repo_files("owner/mine")) == set(FILES)
    at_tag = api.list_repo_files("owner/mine", revision="v1")
    assert set(at_tag) == {*FILES, "README.md"}
    refs = api.list_repo_refs("owner/mine")
    assert [(tag.name, tag.target_commit) for tag in refs.tags] == [
        ("v1", commit.oid)
    ]
    titles = [item.title for item in api.list_repo_commits("owner/mine")]
    assert len(titles) == 3
    # A large file that the Hub has is not sent again.
    api.upload_folder(repo_id="owner/mine", folder_path=tmp_path)
    assert hub.count("PUT", "/upload/*") == 1
    api.delete_repo("owner/mine")
    with pytest.raises(errors.RepositoryNotFoundError):
        api.model_info("owner/mine")


def test_writing_needs_a_token(filled):
    for token in (False, "hf_wrong"):
        with pytest.raises(errors.HfHubHTTPError, match="401"):
            HfApi(filled.endpoint, token=token).create_repo("owner/other")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"repo_id": "owner/absent"}, errors.RepositoryNotFoundError),
        ({"revision": "v9"}, errors.RevisionNotFoundError),
        ({"filename": "absent.h5"}, errors.RemoteEntryNotFoundError),
    ],
)
def test_what_is_missing(fetch, arguments, error):
    for token in ("hf_owner", False):
        with pytest.raises(error):
            fetch(**arguments, token=token)


@pytest.mark.parametrize(
    ("access", "error"),
    [
        ("private", errors.RepositoryNotFoundError),
        ("gated", errors.GatedRepoError),
    ],
)
def test_access(hub, fetch, access, error):
    hub.add("owner/mine", FILES, access=access)
    with pytest.raises(error):
        fetch(repo_id="owner/mine", token=False)
    assert fetch(repo_id="owner/mine", token="hf_owner") == LARGE


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", errors.HfHubHTTPError),
        ("hidden", errors.RepositoryNotFoundError),
        ("bad_token", errors.HfHubHTTPError),
        ("gated", errors.GatedRepoError),
        ("forbidden", errors.LocalEntryNotFoundError),
        ("no_repository", errors.RepositoryNotFoundError),
        ("no_revision", errors.RevisionNotFoundError),
        ("no_file", errors.RemoteEntryNotFoundError),
        ("429", errors.LocalEntryNotFoundError),
        ("500", errors.LocalEntryNotFoundError),
        ("503", errors.LocalEntryNotFoundError),
        ("truncated", OSError),
    ],
)
def test_faults_fail_once(filled, fetch, kind, error, short_waits):
    filled.inject(kind, times=99)
    with pytest.raises(error):
        fetch()
    filled.heal()
    assert fetch() == LARGE


@pytest.mark.parametrize("kind", ["429", "500", "503", "dropped", "slow"])
def test_faults_that_the_client_survives(filled, fetch, kind, short_waits):
    filled.inject(kind)
    assert fetch() == LARGE


def test_wrong_bytes_of_the_right_size_arrive(filled, fetch):
    """The client does not notice; whoever wants to know has to look."""
    filled.inject("wrong_bytes", path="*.h5")
    content = fetch()
    assert len(content) == len(LARGE)
    assert content != LARGE
    assert fetch(force_download=True) == LARGE


def test_slow(filled, fetch):
    filled.inject("slow", seconds=0.2)
    start = time.monotonic()
    fetch()
    assert time.monotonic() - start > 0.2


def test_unknown_faults_are_refused(hub):
    with pytest.raises(ValueError, match="Received: 'fire'"):
        hub.inject("fire")
    assert len(FAULTS) == len(set(FAULTS))


def test_hubs_are_independent(hub):
    hub.add("owner/tiny", FILES)
    with HubServer() as other:
        assert other.port != hub.port
        with pytest.raises(errors.RepositoryNotFoundError):
            HfApi(other.endpoint).model_info("owner/tiny")
    before = threading.active_count()
    with HubServer():
        pass
    assert threading.active_count() == before


def test_keras_talks_to_it_by_the_environment(filled, tmp_path):
    """In a process of its own: the client reads HF_ENDPOINT when imported."""
    code = (
        "import huggingface_hub, sys;"
        "sys.stdout.write(huggingface_hub.hf_hub_download("
        "'owner/tiny', 'config.json'))"
    )
    environment = {
        "HF_ENDPOINT": filled.endpoint,
        "HF_HOME": str(tmp_path),
        "PATH": "",
    }
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    with open(result.stdout, "rb") as file:
        assert file.read() == SMALL
