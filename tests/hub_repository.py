"""What a repository on the Hub holds: commits, branches, tags, files."""

import hashlib
import re
from typing import NamedTuple

LFS_SUFFIXES = (".h5", ".safetensors", ".png", ".npz")


class Commit(NamedTuple):
    """One commit with all files of the repository."""

    oid: str
    title: str
    files: dict[str, bytes]


def is_lfs(path):
    """Whether the Hub stores a file by its SHA-256, outside git."""
    return path.endswith(LFS_SUFFIXES)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def git_oid(content):
    """The name that git gives to a file's content."""
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content).hexdigest()


def etag(path, content):
    return sha256(content) if is_lfs(path) else git_oid(content)


class Repository:
    """A repository with one branch, `main`, unless more are made.

    Attributes:
        access: `"public"`, `"private"` or `"gated"`.
    """

    def __init__(self, repo_id, access="public"):
        self.repo_id = repo_id
        self.access = access
        self.commits = {}
        self.branches = {}
        self.tags = {}
        self.commit({}, title="initial commit")

    def commit(self, changes, title="commit", oid=None, branch="main"):
        """Add a commit; `None` as content of a path deletes it."""
        parent = self.branches.get(branch)
        files = dict(self.commits[parent].files) if parent else {}
        files.update(changes)
        files = {path: data for path, data in files.items() if data is not None}
        if oid is None:
            seed = f"{self.repo_id} {len(self.commits)} {sorted(files)}"
            oid = hashlib.sha1(seed.encode()).hexdigest()
        self.commits[oid] = Commit(oid, title, files)
        self.branches[branch] = oid
        return oid

    def resolve(self, revision):
        """The commit of a branch, a tag or a hash; None if there is none."""
        oid = self.branches.get(revision) or self.tags.get(revision)
        if oid is None and re.fullmatch("[0-9a-f]{7,40}", revision):
            found = [key for key in self.commits if key.startswith(revision)]
            oid = found[0] if len(found) == 1 else None
        return self.commits.get(oid)

    def history(self, revision):
        """Commits up to a revision, the newest first."""
        order = list(self.commits.values())
        last = order.index(self.resolve(revision))
        return order[last::-1]
