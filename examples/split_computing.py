"""A network in two processes: one tensor travels, and how large it is.

A device runs the first layers, a server the others; here they are two processes
that talk over the loopback. Of a chain any place will do. Inside a block of the
residual twin there is none: its skip would have to travel, too.

Run:   python examples/split_computing.py [--at stage3] [--dtype int8]
Needs: the extra `images`; `--picture FILE` the extra `export` (matplotlib).
"""

import argparse
import socket
import struct
import subprocess
import sys
import time

import numpy as np

import keras_pnnh
from keras_pnnh.applications import PlainWide11Small, decode_predictions
from keras_pnnh.data import read_image
from keras_pnnh.deployment import pack, plot_cuts, unpack
from keras_pnnh.samples import sample_images


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at", default="stage3", help="where to cut")
    parser.add_argument(
        "--dtype", default="int8", choices=("float32", "float16", "int8")
    )
    parser.add_argument("--picture", help="PNG: size over the place of a cut")
    parser.add_argument("--smoke", action="store_true", help="five images")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options)
        return
    samples = sample_images()[: 5 if options.smoke else None]
    images = np.stack([read_image(sample.path) for sample in samples])
    model = PlainWide11Small(weights="cifar10")
    device, _ = split(model, options.at)
    whole = model.predict(images, verbose=0)

    with start_server(options) as connection:
        times, sizes, answers = [], [], []
        for image in images:
            begun = time.perf_counter()
            sent = pack(device(image[None]), options.dtype)
            send(connection, sent)
            answers.append(unpack(receive(connection))[0])
            times.append(time.perf_counter() - begun)
            sizes.append(len(sent))

    for sample, answer in zip(samples[:3], answers, strict=False):
        best = decode_predictions(answer[None], top=1, labels="cifar10")[0][0]
        print(f"{sample.path.name}: {best.label}, {best.score:.0%}")
    same = np.argmax(answers, -1) == np.argmax(whole, -1)
    print(
        f"{len(images)} images cut at '{options.at}' in {options.dtype}: "
        f"{np.mean(sizes):,.0f} bytes an image (the image has "
        f"{images[0].size:,}), {1e3 * np.median(times):.1f} ms from image to "
        f"answer, {same.sum()} of {len(same)} labels as without the cut"
    )
    twin = keras_pnnh.fold(PlainWide11Small(internal_path="residual"))
    for name, network in (("chain", keras_pnnh.fold(model)), ("twin", twin)):
        cuts = keras_pnnh.graph.list_cuts(network)[1:]
        free = sum(not cut.others for cut in cuts)
        print(f"the {name} can be cut at {free} of {len(cuts)} places")
    if options.picture:
        plot_cuts(
            {"chain": keras_pnnh.fold(model), "twin": twin}, options.picture
        )
        print(f"sizes over the place of the cut: {options.picture}")


def split(model, at):
    return keras_pnnh.split(keras_pnnh.fold(model), at)


class start_server:
    """The second part in a process of its own, and a connection to it."""

    def __init__(self, options):
        self._options = options

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as door:
            port = door.getsockname()[1]
            options = ["--at", self._options.at, "--dtype", "float32"]
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--serve", str(port), *options]
            )
            door.settimeout(120)
            self._connection, _ = door.accept()
        self._connection.settimeout(120)
        receive(self._connection)  # it is ready
        return self._connection

    def __exit__(self, *error):
        self._connection.close()
        self._process.wait(timeout=60)


def serve(options):
    """What the server does until the device hangs up."""
    with socket.create_connection(("127.0.0.1", options.serve)) as connection:
        _, server = split(PlainWide11Small(weights="cifar10"), options.at)
        server(np.zeros((1, *server.input_shape[1:])))  # compiles
        send(connection, b"ready")
        while True:
            content = receive(connection)
            if content is None:
                return
            answer = server(unpack(content))
            send(connection, pack(answer, options.dtype))


def send(connection, content):
    connection.sendall(struct.pack("<I", len(content)) + content)


def receive(connection):
    """One message, or None if the other side has hung up."""
    head = read_exactly(connection, 4)
    if head is None:
        return None
    return read_exactly(connection, *struct.unpack("<I", head))


def read_exactly(connection, size):
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 16))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
