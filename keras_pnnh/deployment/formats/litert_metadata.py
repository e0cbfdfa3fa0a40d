"""Labels and preprocessing inside a LiteRT file.

The form is LiteRT's own (TensorFlow Lite Metadata, schema M001): an entry
`TFLITE_METADATA` of the file describes the network, its input and its result,
and names the files of labels, which are attached as a ZIP archive.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

ENTRY = b"TFLITE_METADATA"
IDENTIFIER = b"M001"
LABELS = "labels.txt"
# `TENSOR_AXIS_LABELS` of the schema's `AssociatedFileType`.
AXIS_LABELS = 2


def annotate(path: str | Path, metadata: Mapping[str, str]) -> None:
    """Put a network's description and labels into a LiteRT file.

    Args:
        path: The file.
        metadata: Names and values; `labels` is a JSON list, `model`, `input`
            and `preprocessing` describe the network and what it takes. Others
            stand in the description.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(Path(path).read_bytes(), 0)
    labels = json.loads(metadata.get("labels", "[]"))
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = ENTRY, len(model.buffers)
    buffer.data = list(_description(metadata, bool(labels)))
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    content = io.BytesIO(bytes(builder.Output()))
    if labels:
        text = "".join(f"{' '.join(label.split())}\n" for label in labels)
        content.seek(0, io.SEEK_END)
        with zipfile.ZipFile(content, "a") as archive:
            archive.writestr(LABELS, text)
    Path(path).write_bytes(content.getvalue())


def _description(metadata, labelled):
    """The flat buffer of a `ModelMetadata`."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    files = []
    if labelled:
        name = builder.CreateString(LABELS)
        builder.StartObject(5)
        builder.PrependUOffsetTRelativeSlot(0, name, 0)
        builder.PrependInt8Slot(2, AXIS_LABELS, 0)
        files.append(builder.EndObject())
    given = _tensor(builder, "image", _words(metadata, "input"), [])
    result = _tensor(builder, "result", "", files)
    inputs, outputs = _vector(builder, [given]), _vector(builder, [result])
    builder.StartObject(9)
    builder.PrependUOffsetTRelativeSlot(2, inputs, 0)
    builder.PrependUOffsetTRelativeSlot(3, outputs, 0)
    graphs = _vector(builder, [builder.EndObject()])
    name = builder.CreateString(metadata.get("model", ""))
    words = builder.CreateString(_words(metadata))
    builder.StartObject(8)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUOffsetTRelativeSlot(1, words, 0)
    builder.PrependUOffsetTRelativeSlot(3, graphs, 0)
    builder.Finish(builder.EndObject(), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _words(metadata, *first):
    names = (*first, "preprocessing") if first else tuple(metadata)
    return "; ".join(
        f"{name}: {metadata[name]}"
        for name in names
        if name in metadata and name not in ("labels", "model")
    )


def _tensor(builder, name, words, files):
    """A `TensorMetadata`."""
    name, words = builder.CreateString(name), builder.CreateString(words)
    files = _vector(builder, files) if files else None
    builder.StartObject(7)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUOffsetTRelativeSlot(1, words, 0)
    if files is not None:
        builder.PrependUOffsetTRelativeSlot(6, files, 0)
    return builder.EndObject()


def _vector(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
