"""Answers the requests of `huggingface_hub` for `hub_server.HubServer`."""

import base64
import json
import urllib.parse
from http.server import BaseHTTPRequestHandler

# By name: tests shorten the waits of the client by replacing `time.sleep`.
from time import sleep

from hub_repository import Repository, etag, git_oid, is_lfs, sha256

# Status and headers of a refusal.
REFUSALS = {
    "401": (401, {}),
    "hidden": (401, {"X-Error-Code": "RepoNotFound"}),
    "bad_token": (
        401,
        {"X-Error-Message": "Invalid credentials in Authorization header"},
    ),
    "gated": (403, {"X-Error-Code": "GatedRepo"}),
    "forbidden": (403, {"X-Error-Message": "You may not do this"}),
    "no_repository": (404, {"X-Error-Code": "RepoNotFound"}),
    "no_revision": (404, {"X-Error-Code": "RevisionNotFound"}),
    "no_file": (404, {"X-Error-Code": "EntryNotFound"}),
    "429": (429, {}),
    "500": (500, {}),
    "503": (503, {}),
    # The page of a network that wants a sign-in, in place of every answer.
    "portal": (200, {"Content-Type": "text/html"}),
}
# What can go wrong with the bytes.
DAMAGES = ("truncated", "wrong_bytes", "dropped", "slow", "trickle", "endless")


class Refused(Exception):
    """Ends a request with an answer of `REFUSALS`."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    # Headers and body would wait for each other (Nagle, delayed ACK).
    disable_nagle_algorithm = True
    server_state = None  # the `HubServer`

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _answer(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        self.query = urllib.parse.parse_qs(url.query)
        self.body = self._read_body()
        hub = self.server_state
        hub.log(self.command, path, dict(self.headers))
        fault = hub.take_fault(self.command, path, REFUSALS)
        try:
            if fault:
                raise Refused(fault.kind)
            self._route(path)
        except Refused as refusal:
            status, headers = REFUSALS[str(refusal)]
            page = b"<html>Sign in</html>" if status == 200 else None
            headers = {"ETag": 'W/"f-mY+/VL="', **headers}
            self._send(status, page or b'{"error": "refused"}', headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has gone

    def _read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _route(self, path):
        parts = path.strip("/").split("/")
        match parts:
            case ["api", "whoami-v2"]:
                self._json({"name": self._user(required=True), "type": "user"})
            case ["api", "repos", "create"]:
                self._create()
            case ["api", "repos", "delete"]:
                self._delete()
            case ["api", "validate-yaml"]:
                self._json({"errors": [], "warnings": []})
            case ["api", "models", owner, name]:
                self._info(self._repository(owner, name), "main")
            case ["api", "models", owner, name, what, *rest]:
                self._model(self._repository(owner, name), what, "/".join(rest))
            case ["objects", digest]:
                self._object(digest, path)
            case ["upload", digest]:
                self.server_state.objects[digest] = self.body
                self._send(200 if sha256(self.body) == digest else 400)
            case ["verify"]:
                known = self._payload()["oid"] in self.server_state.objects
                self._send(200 if known else 404)
            case [owner, name, "info", "lfs", "objects", "batch"]:
                self._repository(owner, name.removesuffix(".git"))
                self._batch()
            case [owner, name, "resolve", revision, *file] if file:
                repository = self._repository(owner, name)
                self._resolve(repository, revision, "/".join(file), path)
            case _:
                self._send(404, b'{"error": "unknown route"}')

    # Who asks, and for what.

    def _user(self, required=False):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        user = self.server_state.tokens.get(token)
        if token and user is None:
            raise Refused("bad_token")
        if required and user is None:
            raise Refused("401")
        return user

    def _repository(self, owner, name):
        user = self._user()
        repository = self.server_state.repositories.get(f"{owner}/{name}")
        hidden = repository and repository.access == "private" and user != owner
        if repository is None or hidden:
            # The Hub does not tell strangers what exists.
            raise Refused("no_repository" if user else "hidden")
        return repository

    def _lies(self, about):
        return self.server_state.lies.get(about, {})

    def _commit(self, repository, revision):
        commit = repository.resolve(revision)
        if commit is None:
            raise Refused("no_revision")
        return commit

    def _payload(self):
        return json.loads(self.body)

    # Reading.

    def _resolve(self, repository, revision, file, path):
        if repository.access == "gated" and self._user() is None:
            raise Refused("gated")
        commit = self._commit(repository, revision)
        if file not in commit.files:
            raise Refused("no_file")
        content = commit.files[file]
        headers = {"X-Repo-Commit": commit.oid, **self._lies("headers")}
        if not is_lfs(file):
            headers.setdefault("ETag", f'"{git_oid(content)}"')
            self._content(content, headers, path)
            return
        digest = sha256(content)
        place = f"http://localhost:{self.server_state.port}/objects/{digest}"
        headers |= {
            "ETag": f'"{git_oid(content)}"',
            "X-Linked-Etag": f'"{digest}"',
            "X-Linked-Size": str(len(content)),
            "Location": f"{place}?{urllib.parse.urlencode({'path': path})}",
        } | self._lies("headers")
        self._send(302, b"", headers)

    def _object(self, digest, path):
        content = self.server_state.objects.get(digest)
        if content is None:
            raise Refused("no_file")
        path = self.query.get("path", [path])[0]
        self._content(content, {"ETag": f'"{digest}"'}, path)

    def _content(self, content, headers, path):
        """Send a file, or what a fault makes of it."""
        fault = None
        if self.command == "GET":
            fault = self.server_state.take_fault("GET", path, DAMAGES)
        kind = fault.kind if fault else None
        if kind == "slow":
            sleep(fault.seconds)
        if kind == "truncated":
            content = content[: len(content) // 2]
        if kind == "wrong_bytes":
            content = bytes(byte ^ 0xFF for byte in content)
        status, start = 200, 0
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            total = len(content)
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            status = 206
        body = content[start:]
        if kind == "endless":
            self._send(status, b"", headers, 1 << 40)
            while True:
                self.wfile.write(bytes(1 << 16))
        sent = body[: len(body) // 2] if kind == "dropped" else body
        if kind == "trickle":
            self._send(status, b"", headers, len(body))
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                sleep(fault.seconds)
            return
        self._send(status, sent, headers, len(body))
        if kind == "dropped":
            self.close_connection = True

    def _model(self, repository, what, rest):
        match what:
            case "revision":
                self._info(repository, rest)
            case "tree":
                self._tree(repository, rest.split("/")[0])
            case "refs":
                self._refs(repository)
            case "commits":
                self._commits(repository, rest)
            case "paths-info":
                self._paths_info(repository, rest)
            case "preupload":
                self._preupload(repository, rest)
            case "commit":
                self._user(required=True)
                self._add_commit(repository, rest)
            case "tag":
                self._tag(repository, rest)
            case "branch":
                self._user(required=True)
                self._branch(repository, rest)
            case _:
                self._send(404, b'{"error": "unknown route"}')

    def _info(self, repository, revision):
        commit = self._commit(repository, revision)
        siblings = [{"rfilename": name} for name in self._lies("files")]
        for path, content in sorted(commit.files.items()):
            sibling = {"rfilename": path}
            if "blobs" in self.query:
                sibling |= _entry(path, content)
                sibling["blobId"] = sibling.pop("oid")
                if "lfs" in sibling:
                    sibling["lfs"]["sha256"] = sibling["lfs"].pop("oid")
            siblings.append(sibling)
        self._json(
            {
                "id": repository.repo_id,
                "sha": self.server_state.lies.get("sha", commit.oid),
                "private": repository.access == "private",
                "gated": "auto" if repository.access == "gated" else False,
                "siblings": siblings,
                "tags": [],
                "downloads": 0,
                "likes": 0,
            }
        )

    def _tree(self, repository, revision):
        files = self._commit(repository, revision).files
        entries = [_entry(path, files[path]) for path in sorted(files)]
        self._json([{"type": "file", **entry} for entry in entries])

    def _paths_info(self, repository, revision):
        files = self._commit(repository, revision).files
        wanted = self._payload()["paths"]
        self._json(
            [
                {"type": "file", **_entry(path, files[path])}
                for path in wanted
                if path in files
            ]
        )

    def _refs(self, repository):
        self._json(
            {
                kind: [
                    {
                        "name": name,
                        "ref": f"refs/{folder}/{name}",
                        "targetCommit": oid,
                    }
                    for name, oid in refs.items()
                ]
                for kind, folder, refs in (
                    ("branches", "heads", repository.branches),
                    ("tags", "tags", repository.tags),
                    ("converts", "refs/convert", {}),
                )
            }
        )

    def _commits(self, repository, revision):
        self._commit(repository, revision)
        self._json(
            [
                {
                    "id": commit.oid,
                    "title": commit.title,
                    "message": "",
                    "authors": [{"user": "owner"}],
                    "date": "2026-01-01T00:00:00.000Z",
                }
                for commit in repository.history(revision)
            ]
        )

    # Writing.

    def _create(self):
        user, payload = self._user(required=True), self._payload()
        owner = payload.get("organization") or user
        repo_id = f"{owner}/{payload['name']}"
        hub = self.server_state
        status = 409 if repo_id in hub.repositories else 200
        if status == 200:
            private = payload.get("private")
            private = private or payload.get("visibility") == "private"
            access = "private" if private else "public"
            hub.repositories[repo_id] = Repository(repo_id, access)
        self._json({"url": f"{hub.endpoint}/{repo_id}"}, status)

    def _delete(self):
        user, payload = self._user(required=True), self._payload()
        owner = payload.get("organization") or user
        self.server_state.repositories.pop(f"{owner}/{payload['name']}", None)
        self._send(200)

    def _preupload(self, repository, revision):
        files = self._commit(repository, revision).files
        self._json(
            {
                "files": [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs"
                        if is_lfs(file["path"])
                        else "regular",
                        "shouldIgnore": False,
                        "oid": etag(file["path"], files[file["path"]])
                        if file["path"] in files
                        else None,
                    }
                    for file in self._payload()["files"]
                ]
            }
        )

    def _batch(self):
        hub, objects = self.server_state, []
        for wanted in self._payload()["objects"]:
            answer = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in hub.objects:
                answer["actions"] = {
                    "upload": {
                        "href": f"{hub.endpoint}/upload/{wanted['oid']}"
                    },
                    "verify": {"href": f"{hub.endpoint}/verify"},
                }
            objects.append(answer)
        self._json({"transfer": "basic", "objects": objects})

    def _add_commit(self, repository, branch):
        hub, changes, title = self.server_state, {}, "commit"
        for line in self.body.decode().splitlines():
            item = json.loads(line)
            key, value = item["key"], item["value"]
            if key == "header":
                title = value["summary"]
            elif key == "file":
                changes[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                changes[value["path"]] = hub.objects[value["oid"]]
            elif key == "deletedFile":
                changes[value["path"]] = None
        oid = repository.commit(changes, title, branch=branch)
        url = f"{hub.endpoint}/{repository.repo_id}/commit/{oid}"
        self._json({"success": True, "commitOid": oid, "commitUrl": url})

    def _tag(self, repository, revision):
        self._user(required=True)
        tag = self._payload()["tag"]
        if tag in repository.tags:
            self._json({"error": "tag exists"}, 409)
            return
        repository.tags[tag] = self._commit(repository, revision).oid
        self._send(200)

    def _branch(self, repository, name):
        start = json.loads(self.body or b"{}").get("startingPoint", "main")
        repository.branches[name] = self._commit(repository, start).oid
        self._send(200)

    # Answers.

    def _json(self, content, status=200):
        body = json.dumps(content).encode()
        # As web frameworks make them, and the real Hub does: Base64.
        headers = {"Content-Type": "application/json", "ETag": 'W/"1a-b+/c="'}
        self._send(status, body, headers)

    def _send(self, status, body=b"", headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        length = len(body) if length is None else length
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _entry(path, content):
    entry = {"path": path, "size": len(content), "oid": git_oid(content)}
    if is_lfs(path):
        entry["lfs"] = {
            "oid": sha256(content),
            "size": len(content),
            "pointerSize": 134,
        }
    return entry
