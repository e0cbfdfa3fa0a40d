"""One published checkpoint."""

from typing import NamedTuple


class Metric(NamedTuple):
    """A number that somebody has measured, and who."""

    name: str
    value: float
    data: str
    source: str


class WeightsEntry(NamedTuple):
    """A row of the registry: which file, for what, under which licence.

    Attributes:
        filename: Name of the file, in the package or in the repository.
        sha256: Digest of the file, checked before it is loaded.
        classes: Number of classes of the classifier in the file.
        labels: Names of the classes in the order of the outputs; none for
            those of ImageNet.
        image_size: `(height, width)` that the network was trained on.
        data: Name of the data set, as every table gives it.
        limits: What a user must know about data and use, in sentences.
        license: SPDX identifier of the weights' licence.
        card: The model card: path in this repository, or address.
        repo_id: Repository of the Hugging Face Hub, `"owner/name"`; None for
            a file in the package.
        revision: Commit of the repository, 40 hexadecimal digits.
        size: Bytes of the file; None if not known to the byte.
        preprocessing: How pixels become inputs, see the applications.
        internal_path: What carries the input: `"coder"`, or `"pass_through"`
            for a published residual network that is converted exactly.
        arguments: Further arguments of the model that the weights ask for.
        state_dict: How tensors are named, a key of `state_dicts.MATCHES`;
            None for a file of this library.
        metrics: What is known of the quality.
    """

    filename: str
    sha256: str
    classes: int
    labels: tuple[str, ...]
    image_size: tuple[int, int]
    data: str
    limits: str
    license: str
    card: str
    repo_id: str | None = None
    revision: str | None = None
    size: int | None = None
    preprocessing: str = "symmetric"
    internal_path: str = "coder"
    arguments: tuple[tuple[str, str], ...] = ()
    state_dict: str | None = None
    metrics: tuple[Metric, ...] = ()
