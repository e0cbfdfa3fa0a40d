"""The operators of an exported file, and where its paths join."""

from collections import Counter
from typing import Any, NamedTuple

# By the spelling of either format, in upper case and without underscores.
WEIGHTED = {
    "CONV",
    "CONV2D",
    "CONV3D",
    "CONV3DTRANSPOSE",
    "CONVINTEGER",
    "CONVOLUTION",
    "CONVTRANSPOSE",
    "DEPTHWISECONV2D",
    "FUSEDCONV",
    "FUSEDGEMM",
    "FUSEDMATMUL",
    "BATCHMATMUL",
    "EINSUM",
    "FULLYCONNECTED",
    "GEMM",
    "GROUPCONVOLUTION",
    "GRU",
    "LSTM",
    "MATMUL",
    "MATMULINTEGER",
    "MATMULNBITS",
    "QGEMM",
    "QLINEARCONV",
    "QLINEARMATMUL",
    "RNN",
    "TRANSPOSECONV",
    "UNIDIRECTIONALSEQUENCELSTM",
    "UNIDIRECTIONALSEQUENCERNN",
}
# Of two activations: attention.
INNER_PRODUCTS = {
    "ATTENTION",
    "BATCHMATMUL",
    "EINSUM",
    "FUSEDMATMUL",
    "GROUPQUERYATTENTION",
    "MATMUL",
    "MATMULINTEGER",
    "MULTIHEADATTENTION",
    "QATTENTION",
    "QLINEARMATMUL",
    "SCALEDDOTPRODUCTATTENTION",
}
SIZES = {"RANK", "SHAPE", "SIZE"}


class Operator(NamedTuple):
    """A node of a file's graph."""

    kind: str  # as the format spells it
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class FileGraph(NamedTuple):
    """Operators in an order in which they can run."""

    operators: list[Operator]
    inputs: tuple[str, ...]
    constants: set[str]


class Joins(NamedTuple):
    """Operators that read several tensors, by what they do."""

    # A branch bypasses an operator with weights, or attention.
    bypassing: list[Operator]
    activation: int  # no branch does
    inner_products: int
    shape: int  # of sizes, not of numbers that depend on the image
    weighted: int  # operators with weights


def count_kinds(graph: Any) -> dict[Any, int]:
    """Dictionary from kind to number of operators, most frequent first."""
    return dict(Counter(op.kind for op in graph.operators).most_common())


def find_joins(graph: Any) -> Joins:
    """Where paths join, and whether one of them bypasses weights.

    A join counts if an operator with weights, or an inner product of
    attention, lies between it and the last operator that every path to it
    passes (its immediate dominator): some path then avoids that operator.

    Args:
        graph: A `FileGraph`.

    Returns:
        `Joins`.
    """
    walk = _Walk(graph)
    for operator in graph.operators:
        walk.visit(operator)
    return Joins(
        walk.bypassing,
        walk.activation,
        walk.inner_products,
        walk.shape,
        sum(walk.weighted.values()),
    )


class _Walk:
    """Goes through a graph from its inputs on; operators are numbers."""

    def __init__(self, graph):
        self.bypassing = []
        self.activation = self.inner_products = self.shape = 0
        self._constants = set(graph.constants)
        self._sizes = set()
        # Number 0 stands before all inputs.
        self._maker = dict.fromkeys(graph.inputs, 0)
        self._before: dict[int, Any] = {0: ()}
        self._dominator = {0: 0}
        self._depth = {0: 0}
        self.weighted = {0: False}
        self._mixing: set[int] = set()  # inner products

    def visit(self, operator):
        kind = operator.kind.upper().replace("_", "")
        inputs = [name for name in operator.inputs if name]
        activations = {name for name in inputs if name in self._maker}
        sizes = {name for name in inputs if name in self._sizes}
        if not activations or kind in SIZES:
            if activations or sizes:
                self.shape += len(sizes) > 1
                self._sizes.update(operator.outputs)
            else:
                self._constants.update(operator.outputs)
            return
        number = len(self._before)
        makers = {self._maker[name] for name in activations}
        self._maker.update(dict.fromkeys(operator.outputs, number))
        self._before[number] = makers
        self._dominator[number] = self._common(makers)
        self._depth[number] = self._depth[self._dominator[number]] + 1
        known = any(name in self._constants for name in inputs)
        self.weighted[number] = (
            kind in WEIGHTED and len(activations) == 1 and known
        )
        if len(activations) > 1:
            self._judge(operator, kind, number)

    def _judge(self, operator, kind, number):
        if kind in INNER_PRODUCTS:
            self._mixing.add(number)
            self.inner_products += 1
        elif self._bypasses(number):
            self.bypassing.append(operator)
        else:
            self.activation += 1

    def _common(self, numbers):
        """The last operator that all paths to some operators pass."""
        first, *others = numbers
        for other in others:
            while first != other:
                if self._depth[first] < self._depth[other]:
                    first, other = other, first
                first = self._dominator[first]
        return first

    def _bypasses(self, number):
        """Whether weights or attention lie between it and its dominator."""
        end, seen = self._dominator[number], set()
        waiting = list(self._before[number])
        while waiting:
            other = waiting.pop()
            if other == end or other in seen:
                continue
            if self.weighted[other] or other in self._mixing:
                return True
            seen.add(other)
            waiting.extend(self._before[other])
        return False
