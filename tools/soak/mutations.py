"""Bytes that were damaged on their way."""


def mutate(content, generator):
    """A damaged copy of some bytes, and how it was damaged."""
    data = bytearray(content)
    size = len(data)
    kind = str(
        generator.choice(
            ["bits", "byte", "cut", "zeros", "swap", "noise", "twice", "end"]
        )
    )
    place = int(generator.integers(size))
    span = int(generator.integers(1, max(2, size // 8)))
    if kind == "bits":
        for _ in range(int(generator.integers(1, 9))):
            data[int(generator.integers(size))] ^= 1 << int(
                generator.integers(8)
            )
    elif kind == "byte":
        data[place] = int(generator.integers(256))
    elif kind == "cut":
        del data[place:]
    elif kind == "zeros":
        data[place : place + span] = bytes(len(data[place : place + span]))
    elif kind == "swap":
        other = int(generator.integers(size))
        part, further = data[place : place + span], data[other : other + span]
        data[other : other + span] = part
        data[place : place + span] = further
        del data[size:]
    elif kind == "noise":
        part = len(data[place : place + span])
        data[place : place + span] = generator.bytes(part)
    elif kind == "twice":
        data[place:place] = data[place : place + span]
    else:
        data += generator.bytes(span)
    return bytes(data), kind
