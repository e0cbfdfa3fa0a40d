"""Whether all processes of a run are there, before they wait for each other."""

import contextlib
import socket
import time

GREETING = "keras_pnnh"


def call_roll(
    address: str, port: int, processes: int, process: int, timeout: float
) -> None:
    """Wait until every process has reported to process 0.

    Args:
        address: Where process 0 is reached.
        port: A free port there; it is free again afterwards.
        processes: How many there are.
        process: Number of this one.
        timeout: Seconds to wait.

    Raises:
        TimeoutError: If not all of them reported; the missing ones are named
            on process 0 and on all that reported.
        ValueError: If two processes have one number, or another idea of how
            many there are.
        OSError: If the port cannot be opened.
    """
    end = time.monotonic() + timeout
    if process == 0:
        verdict = _listen(address, port, processes, end)
    else:
        verdict = _report(address, port, processes, process, end)
    if not verdict:
        return
    kind, _, text = verdict.partition(" ")
    if kind == "missing":
        raise TimeoutError(
            f"All {processes} processes of a run must report within "
            f"{timeout:.0f} s. Received: nothing from process {text}. Start "
            "it, or look whether its host reaches "
            f"{address}:{port}."
        )
    raise ValueError(
        "Each process of a run needs a number of its own and the same number "
        f"of processes. Received: {text}. Correct `process` and `processes`."
    )


def _listen(address, port, processes, end):
    """What is wrong, if anything; all that reported are told."""
    present: set[int] = set()
    told: list[socket.socket] = []
    verdict = ""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_open(address, port))
        while len(present) < processes - 1 and not verdict:
            server.settimeout(max(end - time.monotonic(), 0.01))
            try:
                connection, _ = server.accept()
            except TimeoutError:
                absent = set(range(1, processes)) - present
                verdict = "missing " + ", ".join(map(str, sorted(absent)))
                break
            stack.enter_context(connection)
            words = _receive(connection, end).split()
            numbers = [int(word) for word in words[1:] if word.isdigit()]
            if words[:1] != [GREETING] or len(numbers) != 2:
                continue  # somebody else's
            number, count = numbers
            if count != processes:
                verdict = f"wrong {count} and {processes} processes"
            elif number in present or not 0 < number < processes:
                verdict = f"wrong two processes {number}"
            present.add(number)
            told.append(connection)
        for connection in told:
            with contextlib.suppress(OSError):
                connection.sendall(f"{verdict}\n".encode())
    return verdict


def _report(address, port, processes, process, end):
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            left = max(end - time.monotonic(), 0.01)
            with socket.create_connection((address, port), left) as connection:
                words = f"{GREETING} {process} {processes}\n"
                connection.sendall(words.encode())
                # Process 0 began to wait at another time than this one.
                answer = _receive(connection, end + 10)
                if answer.endswith("\n"):
                    return answer.strip()
        time.sleep(0.2)
    return "missing 0"


def _open(address, port):
    # Its own name may not be an address of a host behind a gateway.
    for name in (address, ""):
        with contextlib.suppress(OSError):
            return socket.create_server((name, port))
    return socket.create_server(("", port))


def _receive(connection, end):
    """A line, or what there is of it."""
    text = b""
    with contextlib.suppress(OSError):
        while not text.endswith(b"\n") and len(text) < 1000:
            connection.settimeout(max(end - time.monotonic(), 0.01))
            part = connection.recv(100)
            if not part:
                break
            text += part
    return text.decode("ascii", "replace")
