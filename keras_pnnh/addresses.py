"""Addresses of the network: refused as paths, shown without passwords."""

import os
import re


def refuse_url(path: str | os.PathLike[str], name: str) -> None:
    """Raise a ValueError for an address such as `gs://bucket/folder`.

    Args:
        path: What was given.
        name: Name of the argument.
    """
    if "://" in os.fspath(path):
        raise ValueError(
            f"`{name}` must be a path of this machine's file system. Received: "
            f"{name}='{without_secrets(path)}'. Download it, or mount the "
            "bucket, and name where it is then."
        )


def without_secrets(text: object) -> str:
    """Text without passwords in addresses and without tokens.

    Args:
        text: Anything with a `str`, such as an address or an error.
    """
    text = re.sub(r"(?<=://)[^/\s@]*@", "***@", str(text))
    text = re.sub(r"\bhf_\w+|\bBearer\s+\S+", "***", text)
    return re.sub(
        r"([?&][^=&\s]*(?i:token|key|signature)=)[^&\s]+", r"\1***", text
    )
