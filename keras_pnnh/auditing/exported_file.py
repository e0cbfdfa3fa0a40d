"""What an exported file holds: its operators, and where its paths join."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from keras_pnnh.auditing.file_graph import (
    FileGraph,
    count_kinds,
    find_joins,
)
from keras_pnnh.auditing.litert_file import read_litert
from keras_pnnh.auditing.onnx_file import read_onnx
from keras_pnnh.auditing.openvino_file import read_openvino
from keras_pnnh.presentation.html_summary import as_html

# Suffix: name of the format, what reads it.
READERS: dict[str, tuple[str, Callable[[bytes], FileGraph]]] = {
    ".onnx": ("ONNX", read_onnx),
    ".tflite": ("LiteRT", read_litert),
    ".xml": ("OpenVINO", read_openvino),
}


class FileReport(NamedTuple):
    """What `audit` found in a file. `print` shows a summary.

    A join is an operator that reads several tensors which depend on the
    image. It counts if one of its branches bypasses an operator with weights
    or attention; those that do not are inside of an activation, such as
    GELU's, or around a norm.

    Attributes:
        path: The file.
        format: Its format, such as `"ONNX"`.
        plain: Whether no join counts.
        joins: Names of the joins that count.
        join_kinds: Number of them by kind, such as `"Add"`.
        activation_joins: Number of joins inside of activations and around
            norms.
        shape_joins: Number of operators that put sizes together, no
            activations.
        inner_products: Number of products of activations, which are
            attention's.
        weighted: Number of operators with weights.
        operators: Number of operators by kind, the most frequent first.

    Example:

    >>> import tempfile
    >>> import keras
    >>> import keras_pnnh
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same")(x)
    >>> block = keras.Model(x, keras.layers.Add()([x, y]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/block.onnx"
    ...     exported = keras_pnnh.export(block, path, "onnx")
    ...     report = keras_pnnh.audit(path)
    >>> report.plain, len(report.joins)
    (False, 1)
    """

    path: str
    format: str
    plain: bool
    joins: tuple[str, ...]
    join_kinds: dict[str, int]
    activation_joins: int
    shape_joins: int
    inner_products: int
    weighted: int
    operators: dict[str, int]

    def raise_if_not_plain(self) -> None:
        """Raise unless the file is one chain.

        Raises:
            ValueError: Naming the first join.
        """
        if not self.plain:
            raise ValueError(
                "A plain file is one chain of operators. Received: "
                f"'{self.path}', with {self._in_words()}. Export "
                "`keras_pnnh.write_out(model)`."
            )

    def _in_words(self):
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.join_kinds.items())
        return (
            f"{len(self.joins)} joins that bypass weights or attention "
            f"({kinds}), the first '{self.joins[0]}'"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return as_html(str(self))

    def __str__(self) -> str:
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.operators.items())
        verdict = "yes, one chain" if self.plain else f"no, {self._in_words()}"
        return "\n".join(
            [
                f"{self.path} ({self.format}): {self.weighted} operators with "
                "weights",
                f"  plain: {verdict}",
                f"  apart: {self.activation_joins} joins inside activations "
                f"and norms, {self.inner_products} inner products of "
                f"attention, {self.shape_joins} joins of sizes",
                f"  operators: {kinds}",
            ]
        )


def audit_file(path: str | os.PathLike[str]) -> FileReport:
    """Count the operators and joins of an ONNX, LiteRT or OpenVINO file.

    Args:
        path: A file whose name ends in ".onnx", ".tflite" or, in the folder
            of an OpenVINO network, ".xml". It is read, not run.

    Returns:
        A `FileReport`.

    Raises:
        ValueError: If the name ends in something else, or the file is damaged
            or holds graphs within graphs (loops, conditions).
        OSError: If it cannot be read.
        ModuleNotFoundError: If the package for the format is not installed.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise ValueError(
            f"`audit` reads files that end in {' or '.join(READERS)}. "
            f"Received: '{path}'. Give it such a file, or a `keras.Model`."
        )
    name, read = READERS[path.suffix]
    content = path.read_bytes()
    try:
        graph = read(content)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"To read a file of format {name}, {error.name} is needed. It is "
            "not installed here. Run `pip install 'keras-pnnh[export]'`."
        ) from error
    # Damaged files: whatever the packages raise.
    except Exception as error:
        raise ValueError(
            f"A file of format {name} must be complete, and one graph. "
            f"Received: '{path}', which cannot be read: "
            f"{' '.join(str(error).split()) or type(error).__name__}. Export "
            "it again."
        ) from error
    joins = find_joins(graph)
    return FileReport(
        str(path),
        name,
        not joins.bypassing,
        tuple(operator.name for operator in joins.bypassing),
        dict(Counter(op.kind for op in joins.bypassing).most_common()),
        joins.activation,
        joins.shape,
        joins.inner_products,
        joins.weighted,
        count_kinds(graph),
    )
