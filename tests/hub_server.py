"""A Hugging Face Hub on this machine, for the unmodified client.

It keeps repositories in memory and speaks as much of the protocol as
`huggingface_hub` uses to create, upload (LFS, too), list, tag and download by
branch, tag or commit. Large files are handed out by a redirect to another
origin (`localhost` in place of `127.0.0.1`), like those of the real Hub.

    with HubServer() as hub:
        commit = hub.add("owner/name", {"config.json": b"{}"})
        hub.inject("truncated", path="*.h5")
        HfApi(endpoint=hub.endpoint).model_info("owner/name")
        hub.count("GET", "/api/models/*")

Every fault of `FAULTS` can be asked for by `inject`.
"""

import fnmatch
import threading
from http.server import ThreadingHTTPServer
from typing import NamedTuple

from hub_handler import DAMAGES, REFUSALS, Handler
from hub_repository import Repository, is_lfs, sha256

FAULTS = (*REFUSALS, *DAMAGES)


class Fault(NamedTuple):
    """A fault, and the requests that it is meant for."""

    kind: str
    method: str
    path: str
    seconds: float


class Request(NamedTuple):
    """A request that the server has seen."""

    method: str
    path: str
    headers: dict


class HubServer:
    """Serves in a thread from `__enter__` to `__exit__`, on a free port."""

    def __init__(self):
        self.repositories = {}
        self.objects = {}  # content of large files by SHA-256
        self.tokens = {"hf_owner": "owner"}
        self.requests = []
        # What it says in place of the truth: "sha" of a commit, "headers" of a
        # file, "files" that it lists besides.
        self.lies = {}
        self._faults = []
        self._lock = threading.RLock()

    def __enter__(self):
        hub = self

        class BoundHandler(Handler):
            server_state = hub

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), BoundHandler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def add(self, repo_id, files, revision=None, access="public"):
        """Put files into a repository, made if absent; returns the commit."""
        with self._lock:
            if repo_id not in self.repositories:
                self.repositories[repo_id] = Repository(repo_id, access)
            repository = self.repositories[repo_id]
            for path, content in files.items():
                if content is not None and is_lfs(path):
                    self.objects[sha256(content)] = content
            return repository.commit(files, oid=revision)

    def inject(self, kind, times=1, method="*", path="*", seconds=0.3):
        """Let the next `times` matching requests fail.

        Args:
            kind: One of `FAULTS`. `"truncated"` announces and sends half of
                the bytes, `"dropped"` announces all and hangs up half-way.
            times: How many requests.
            method: Pattern of the method.
            path: Pattern of the path; of a large file, both the path in the
                repository and where that redirects to match.
            seconds: How long `"slow"` waits, and `"trickle"` for each byte.
        """
        if kind not in FAULTS:
            raise ValueError(f"`kind` is one of {FAULTS}. Received: {kind!r}.")
        fault = Fault(kind, method, path, seconds)
        with self._lock:
            self._faults += [fault] * times

    def heal(self):
        """Forget all faults that did not happen."""
        self._faults.clear()

    def count(self, method="*", path="*"):
        """Number of requests so far whose method and path match."""
        return sum(
            fnmatch.fnmatch(request.method, method)
            and fnmatch.fnmatch(request.path, path)
            for request in list(self.requests)
        )

    def log(self, method, path, headers):
        self.requests.append(Request(method, path, headers))

    def take_fault(self, method, path, kinds):
        with self._lock:
            for fault in self._faults:
                if (
                    fault.kind in kinds
                    and fnmatch.fnmatch(method, fault.method)
                    and fnmatch.fnmatch(path, fault.path)
                ):
                    self._faults.remove(fault)
                    return fault
        return None
