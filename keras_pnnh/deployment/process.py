"""Work in a process of its own: with another backend, or undisturbed.

Nothing is imported from the current folder, which may hold anything: not by
`-m` or an empty entry of PYTHONPATH, and not beside the package either.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PACKAGE = Path(__file__).parents[1]

# Seconds. Converting the largest network takes two minutes on one core.
TIME_LIMIT = 1800.0
# A process that computes nothing for so long is stuck.
IDLE_LIMIT = 30.0
# Between two looks at it.
PAUSE = 0.2

# The package from where this one is, whatever else is installed.
CODE = """
import importlib.util, sys
path = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location(
    "keras_pnnh", path + "/__init__.py", submodule_search_locations=[path]
)
package = importlib.util.module_from_spec(spec)
sys.modules["keras_pnnh"] = package
spec.loader.exec_module(package)
from {module} import main
sys.exit(main(sys.argv[1:]))
"""


class TimeLimitError(ValueError):
    """A process was ended because it took too long."""


def run_module(
    module: str,
    arguments: Sequence[str],
    backend: str,
    time_limit: float | None = TIME_LIMIT,
    **environment: str,
) -> None:
    """Call `main(arguments)` of a module of this package in a process.

    Args:
        module: Its full name.
        arguments: Strings; paths among them must be absolute.
        backend: The Keras backend there.
        time_limit: Seconds after which the process is ended; None waits for
            ever. Where the system tells (Linux), it is also ended once it has
            computed nothing for half a minute.
        **environment: Further variables.

    Raises:
        TimeLimitError: If it took too long.
        ValueError: If the time limit is not positive, or the process failed:
            with its last line.
    """
    if time_limit is not None and not time_limit > 0:
        raise ValueError(
            "`time_limit` must be a positive number of seconds, or None for "
            f"no limit. Received: time_limit={time_limit!r}."
        )
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "errors.txt", "w+b") as errors:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-c", CODE.format(module=module)),
                    *(str(PACKAGE), *arguments),
                ],
                env={
                    **os.environ,
                    "KERAS_BACKEND": backend,
                    "TF_CPP_MIN_LOG_LEVEL": "3",
                    "PYTHONPATH": _python_path(),
                    **environment,
                },
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            try:
                status = _wait(process, backend, time_limit)
            finally:
                # Also after Ctrl-C; a process that ended is left alone.
                process.kill()
                process.wait()
            errors.seek(0)
            lines = errors.read().decode(errors="replace").split("\n")
    if status:
        said = [line for line in lines if line.strip()] or ["no message"]
        raise ValueError(
            f"the process with {backend} ended with status {status}: {said[-1]}"
        )


def _wait(process, backend, time_limit):
    """The exit status, once there is one."""
    started = active = time.monotonic()
    used = None
    while True:
        try:
            return process.wait(timeout=PAUSE)
        except subprocess.TimeoutExpired:
            now, before = time.monotonic(), used
        used = _processor_time(process.pid)
        if used is None or used != before:
            active = now
        if time_limit is None:
            continue
        idle = min(IDLE_LIMIT, time_limit)
        for seconds, limit, what in (
            (now - started, time_limit, "was still at work"),
            (now - active, idle, "had computed nothing for as long"),
        ):
            if seconds > limit:
                raise TimeLimitError(
                    "What another process does must be done within a time "
                    f"limit. Received: a process with {backend} that, after "
                    f"{limit:g} seconds, {what}; it was ended. Try again with "
                    "less going on on this machine, or give it longer "
                    f"(`time_limit={2 * time_limit:g}`; None: no limit)."
                )


def _processor_time(number):
    """Ticks that a process has computed; None where the system is silent."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    # Its name, in brackets, may hold anything.
    fields = text.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _python_path():
    """PYTHONPATH without the entries that mean the current folder."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(
        os.path.abspath(entry)
        for entry in given
        if os.path.normpath(entry or ".") != "."
    )
