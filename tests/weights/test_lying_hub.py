"""A server that calls itself a Hub: nothing it says is believed unseen.

What the Hub answers becomes paths: the client makes a folder of the commit in
a header and a file of a digest, the library of the names that a repository
lists. Nothing may be written outside of the cache.
"""

import gzip
import hashlib
import re

import pytest
from hub_repository import git_oid
from huggingface_hub import (
    close_session,
    get_hf_file_metadata,
    get_session,
    hf_hub_download,
)

from keras_pnnh import save_weights
from keras_pnnh.addresses import without_secrets
from keras_pnnh.applications import PlainResNet20
from keras_pnnh.data import load_images
from keras_pnnh.publishing.verify import verify_repository
from keras_pnnh.training.run_folder import RunFolder
from keras_pnnh.weights import hub_answers, hub_repository
from keras_pnnh.weights.hub import fetch

REPO, NAME, COMMIT = "owner/tiny", "model.weights.h5", 10 * "cafe"
CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()
CLIMBS = (
    "../../../../../escaped",
    "/tmp/escaped",
    "..",
    "a/../../escaped",
    "..\\..\\escaped",
    "",
    "main",
    COMMIT[:-1],
    COMMIT.upper(),
)


@pytest.fixture
def filled(hub, cache):
    files = {NAME: CONTENT, "config.json": b"{}"}
    hub.add(REPO, files, revision=COMMIT)
    return hub


@pytest.fixture
def nothing_outside(tmp_path, cache):
    """Fails the test if a file appears beside the cache."""
    yield
    strays = [
        path
        for path in tmp_path.rglob("*")
        if cache not in (path, *path.parents)
    ]
    assert not strays


def get(filename=NAME, digest=DIGEST, **more):
    return fetch(REPO, COMMIT, filename, digest, len(CONTENT), **more)


@pytest.mark.usefixtures("nothing_outside")
@pytest.mark.parametrize("lie", CLIMBS)
@pytest.mark.parametrize(
    "fault", [None, "no_file"], ids=["a file", "no such file"]
)
def test_a_commit_in_a_header_is_one(filled, cache, lie, fault):
    filled.lies["headers"] = {"X-Repo-Commit": lie}
    if fault:
        filled.inject(fault, times=9)
    kinds = (ConnectionError, FileNotFoundError)
    with pytest.raises(kinds) as error:
        get()
    if not fault:
        assert "no Hugging Face Hub" in str(error.value)
        assert "X-Repo-Commit" in str(error.value) or "commit" in str(
            error.value
        )


@pytest.mark.usefixtures("nothing_outside")
@pytest.mark.parametrize("header", ["ETag", "X-Linked-ETag"])
@pytest.mark.parametrize(
    "lie", ['"../../../../escaped"', "/tmp/escaped", '"a/b"', "..", "a b"]
)
def test_a_digest_in_a_header_is_no_path(filled, header, lie):
    filled.lies["headers"] = {header: lie}
    with pytest.raises((ConnectionError, ValueError)) as error:
        fetch(REPO, COMMIT, "config.json", git_oid(b"{}"))
    assert "no Hugging Face Hub" in str(error.value)


def test_other_answers_have_digests_of_other_characters(filled):
    """As the real Hub's: of JSON, and of the page of a redirect."""
    filled.lies["headers"] = {"ETag": 'W/"549-lk+/8Zc="'}  # beside X-Linked
    assert get().read_bytes() == CONTENT
    assert hub_repository.open_snapshot(f"hf://{REPO}").config
    with pytest.raises(FileNotFoundError, match="no such file"):
        get(filename="absent.h5")


@pytest.mark.usefixtures("nothing_outside")
def test_a_second_session_is_looked_at_as_well(filled):
    """The client makes a new one where a connection was refused."""
    filled.lies["headers"] = {"X-Repo-Commit": "../../../../escaped"}
    with hub_answers.checked():
        for _ in range(3):
            close_session()
            with pytest.raises(hub_answers.WrongAnswerError):
                hf_hub_download(REPO, NAME, endpoint=filled.endpoint)


def test_requests_of_others_are_left_alone(filled):
    get()
    hooks = get_session().event_hooks["response"]
    assert len(hooks) == len(set(hooks))
    filled.lies["headers"] = {"X-Repo-Commit": "anything"}
    url = f"{filled.endpoint}/{REPO}/resolve/{COMMIT}/{NAME}"
    assert get_hf_file_metadata(url).commit_hash == "anything"


def test_an_answer_without_end(filled, monkeypatch):
    monkeypatch.setattr(hub_answers, "LARGEST_ANSWER", 1 << 20)
    filled.inject("endless", path=f"*/{NAME}", times=9)
    with pytest.raises(ConnectionError, match="more than 1,048,576 bytes"):
        get()


def test_an_answer_that_unpacks_without_end(filled, monkeypatch):
    monkeypatch.setattr(hub_answers, "LARGEST_ANSWER", 1 << 20)
    packed = gzip.compress(bytes(1 << 24))
    assert len(packed) < 1 << 20
    filled.add(REPO, {"config.json": packed}, revision=COMMIT)
    with hub_answers.checked(), pytest.raises(ConnectionError, match="more"):
        filled.lies["headers"] = {"Content-Encoding": "gzip"}
        get_session().get(f"{filled.endpoint}/{REPO}/resolve/main/config.json")


@pytest.mark.parametrize("size", ["1000000000000000", "a", ""])
def test_a_file_that_is_too_large_or_of_no_size(filled, size):
    filled.lies["headers"] = {"X-Linked-Size": size}
    with pytest.raises((ConnectionError, ValueError), match="Received: http"):
        fetch(REPO, COMMIT, NAME, DIGEST)
    assert not filled.count("GET", f"*/{NAME}")


def test_files_come_over_http(filled):
    """Where there are limits; the client's other protocol has none."""
    filled.lies["headers"] = {
        "X-Xet-Hash": 64 * "a",
        "X-Xet-Refresh-Route": "/api/xet",
    }
    with hub_answers.checked():
        url = f"{filled.endpoint}/{REPO}/resolve/{COMMIT}/{NAME}"
        assert get_hf_file_metadata(url).xet_file_data is None
    assert get_hf_file_metadata(url).xet_file_data is not None


@pytest.mark.usefixtures("nothing_outside")
@pytest.mark.parametrize("lie", [lie for lie in CLIMBS if lie])
def test_a_commit_of_a_branch_is_one(filled, lie):
    filled.lies["sha"] = lie
    with pytest.raises(ConnectionError, match="no Hugging Face Hub"):
        hub_repository.open_snapshot(f"hf://{REPO}")


def test_another_commit_than_the_one_asked_for(filled):
    filled.lies["sha"] = 10 * "dead"
    with pytest.raises(ConnectionError, match="as the commit"):
        hub_repository.open_snapshot(f"hf://{REPO}@{COMMIT}")


@pytest.mark.usefixtures("nothing_outside")
@pytest.mark.parametrize(
    "name",
    [
        "../escaped",
        "/tmp/escaped",
        "a/../../b",
        "a//b",
        "./a",
        "C:\\b",
        "a\\..\\b",
        "a\nb",
        "",
    ],
)
def test_names_of_files_stay_in_the_repository(filled, name):
    filled.lies["files"] = [name]
    for look in (hub_repository.fetch_weights, verify_repository):
        with pytest.raises(ConnectionError, match="no name of a file"):
            look(f"hf://{REPO}")
    with pytest.raises(ConnectionError, match="no name of a file"):
        get(filename=name)


@pytest.mark.parametrize(
    "revision",
    [
        "../main",
        "a/../b",
        "/main",
        "-x",
        "a b",
        "v1\n",
        "a\\b",
        ".hidden",
        "a//b",
    ],
)
def test_revisions_that_are_paths_are_refused(hub, cache, revision):
    for call in (
        lambda: hub_repository.parse(f"hf://{REPO}@{revision}"),
        lambda: hub_repository.parse(f"hf://{REPO}", revision),
    ):
        with pytest.raises(ValueError, match="is written 'hf://owner/name'"):
            call()
    assert hub.count() == 0


@pytest.mark.parametrize(
    "reference",
    [
        *("hf://../name", "hf://owner/..", "hf://./.", "hf://.a/b"),
        # The client refuses them without a sentence.
        *("hf://a/b.git", "hf://a--b/c", "hf://a/b..c", "hf://a/b-"),
        f"hf://{'a' * 97}/b",
        f"hf://a/{'b' * 1000}",
    ],
)
def test_names_that_are_paths_are_refused(reference):
    with pytest.raises(ValueError, match="is written 'hf://owner/name'"):
        hub_repository.parse(reference)


@pytest.mark.parametrize("revision", ["main", "v1.0", "pr/3", "1_0-rc", COMMIT])
def test_revisions_that_are_none(revision):
    assert hub_repository.parse(f"hf://{REPO}@{revision}").revision == revision


def test_a_page_to_sign_in_at(filled, short_waits):
    filled.inject("portal", times=99)
    for call in (
        get,
        lambda: hub_repository.open_snapshot(f"hf://{REPO}"),
        lambda: verify_repository(f"hf://{REPO}"),
    ):
        with pytest.raises(ConnectionError) as error:
            call()
        assert "no Hugging Face Hub" in str(error.value)
        assert "Sign in to your network" in str(error.value)
        assert "\n" not in str(error.value)


def test_a_page_to_sign_in_at_and_a_full_cache(hub, cache, tmp_path):
    """The cache serves: of a branch what it was the last time."""
    model = PlainResNet20(input_shape=(8, 8, 3))
    path = tmp_path / "model.weights.h5"
    save_weights(model, path)
    config = (
        '{"registered_name": "keras_pnnh>PlainResNet", "class_name": '
        '"PlainResNet", "config": {"blocks_per_stage": [3, 3, 3], '
        '"filters_per_stage": [16, 32, 64], "input_shape": [8, 8, 3]}}'
    )
    files = {NAME: path.read_bytes(), "config.json": config.encode()}
    hub.add(REPO, files)
    PlainResNet20(weights=f"hf://{REPO}")
    hub.inject("portal", times=99)
    again = PlainResNet20(weights=f"hf://{REPO}")
    assert again.input_shape == (None, 8, 8, 3)


def test_a_byte_at_a_time_ends(filled, monkeypatch):
    monkeypatch.setattr(hub_answers, "PATIENCE", 0.2)
    filled.inject("trickle", path=f"*/{NAME}", times=9, seconds=0.05)
    with pytest.raises(ConnectionError, match="A download must come on") as e:
        get()
    assert hub_answers.SLOWEST_VARIABLE in str(e.value)


def test_a_slow_line_is_no_fault(filled, monkeypatch):
    monkeypatch.setattr(hub_answers, "PATIENCE", 0.0)
    monkeypatch.setenv(hub_answers.SLOWEST_VARIABLE, "0")
    filled.inject("slow", path=f"*/{NAME}", seconds=0.3)
    assert get().read_bytes() == CONTENT


@pytest.mark.parametrize("text", ["fast", "-1", "nan", ""])
def test_the_limit_is_a_number(filled, monkeypatch, text):
    monkeypatch.setenv(hub_answers.SLOWEST_VARIABLE, text)
    with pytest.raises(ValueError, match="least number of bytes a second"):
        get()


@pytest.mark.parametrize(
    "token", ["hf_secret\n", "hf_se\ncret", "hf_secret ", "hf_sécret", "", " "]
)
def test_tokens_that_cannot_be_sent_are_not_shown(filled, token):
    with pytest.raises(ValueError, match="one word of printable") as error:
        get(token=token)
    assert "secret" not in str(error.value)
    assert filled.count() == 0


@pytest.mark.parametrize("token", [b"hf_secret", ["hf_secret"], 5])
def test_a_token_is_a_text(filled, token):
    with pytest.raises(ValueError, match="A token is a string") as error:
        get(token=token)
    assert "secret" not in str(error.value)
    assert filled.count() == 0


def test_a_token_that_is_nowhere(filled):
    for call in (
        get,
        lambda token: hub_repository.open_snapshot(f"hf://{REPO}", token=token),
    ):
        with pytest.raises(PermissionError, match="there is none. Set HF_TOK"):
            call(token=True)


def test_a_token_in_the_environment(filled, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_se cret")
    with pytest.raises(ValueError, match="Received: HF_TOKEN") as error:
        get()
    assert "cret" not in str(error.value)
    monkeypatch.setenv("HF_TOKEN", "hf_owner\n")  # as files end
    assert get().read_bytes() == CONTENT


def test_passwords_in_addresses_are_not_shown(hub, cache, monkeypatch):
    address = hub.endpoint.replace("://", "://user:geheim@")
    monkeypatch.setenv("HF_ENDPOINT", address)
    for call in (get, lambda: hub_repository.open_snapshot(f"hf://{REPO}")):
        with pytest.raises(Exception, match=re.escape("://***@")) as error:
            call()
        assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    "weights",
    [
        "hf://user:geheim@owner/name",
        "https://user:geheim@hub/a.weights.h5",
        "https://hub/a.weights.h5?token=geheim",
        "s3://user:geheim@bucket/a",
    ],
)
def test_passwords_in_weights_are_not_shown(weights):
    with pytest.raises(ValueError, match=r"Received: .*\*\*\*") as error:
        PlainResNet20(weights=weights)
    assert "geheim" not in str(error.value)


def test_passwords_in_folders_are_not_shown():
    for call in (
        lambda: load_images("gs://user:geheim@bucket/images", "train"),
        lambda: RunFolder("gs://user:geheim@bucket/run"),
    ):
        with pytest.raises(ValueError, match="gs://\\*") as error:
            call()
        assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://a:b@c/d", "https://***@c/d"),
        ("Bearer abc hf_def", "*** ***"),
        ("x?token=1&Signature=2&name=3", "x?token=***&Signature=2&name=3"),
        ("https://hub/a/b", "https://hub/a/b"),
    ],
)
def test_what_is_hidden(text, shown):
    hidden = without_secrets(text)
    assert hidden == shown.replace("Signature=2", "Signature=***")
