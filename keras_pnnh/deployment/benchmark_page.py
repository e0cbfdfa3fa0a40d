"""A benchmark as one page to be shown, wins and losses first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_pnnh.auditing import AuditReport
from keras_pnnh.auditing.memory_figure import draw_memory
from keras_pnnh.deployment import benchmark_figures as figures
from keras_pnnh.deployment.benchmark_findings import NOISE, Finding, find
from keras_pnnh.deployment.benchmark_tables import tables
from keras_pnnh.files import write_text
from keras_pnnh.presentation.canvas import new_figure
from keras_pnnh.presentation.html_page import as_page, escaped
from keras_pnnh.presentation.inline_svg import as_inline_svg

CAVEAT = (
    "These are times of one processor with random weights, and memory as this "
    "system tells it. On a processor an addition that a runtime fuses into a "
    "convolution costs next to nothing; a device that takes nothing but "
    "chains, or a cut with one tensor, is another question."
)


def check_report(path: str | Path) -> None:
    """See before the networks run whether a page can be written at all.

    Args:
        path: Where to write.

    Raises:
        ValueError: If it is a folder.
        ModuleNotFoundError: If matplotlib is not installed.
    """
    new_figure(1, 1)
    if Path(path).is_dir():
        raise ValueError(
            "A report is one file. Received: a folder, "
            f"'{path}'. Name a file in it, such as "
            f"'{Path(path) / 'report.html'}'."
        )


def write_report(
    path: str | Path,
    record: Mapping[str, Any],
    reports: Mapping[str, AuditReport],
) -> None:
    """Write figures, tables and what follows from them into one HTML file.

    Args:
        path: Where to write.
        record: What was measured, on what; see `cli.contestants.measure`.
        reports: Dictionary from network to its `AuditReport`, the first being
            the one that the others are compared with.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
        OSError: If the file cannot be written.
    """
    title = f"{record['model']} beside networks with skips"
    parts = [
        *_verdicts(record, reports),
        *_conditions(record),
        "<h2>The frontier</h2>",
        *_frontier(record),
        "<h2>Memory over depth</h2>",
        *_memory(reports),
        "<h2>Numbers</h2>",
        *tables(record),
    ]
    write_text(path, as_page(title, parts))


def _verdicts(record, reports):
    found = find(record["rows"], record["counts"])
    first = escaped(next(iter(record["counts"])))
    skips = [label for label, report in reports.items() if has_skips(report)]
    rivals = [finding for finding in found if finding.model in skips]
    others = [finding for finding in found if finding.model not in skips]
    wins = _list([finding for finding in rivals if finding.won])
    rest = _list([finding for finding in rivals if not finding.won])
    parts = [
        '<div class="grid">',
        f'<section class="box"><h2>What the chain “{first}” wins over '
        f"networks with skips</h2>{wins}</section>",
        f'<section class="box"><h2>Where it does not</h2>{rest}</section>',
        "</div>",
        "<p>A ratio says how many times slower or larger the other network "
        f"is; times and memory count from {100 * NOISE:.0f} % on, times only "
        "where nine of ten such runs would agree: on a busy machine, or with "
        f"few rounds, they are undecided. {CAVEAT}</p>",
    ]
    if others:
        parts.append(
            "<details><summary>Beside its form for training and other chains"
            f"</summary>{_list(others)}</details>"
        )
    return parts


def has_skips(report: AuditReport) -> bool:
    """Whether paths merge in it, other than those that `fold` takes away."""
    return bool(report.merges) and not report.shared


def _list(findings: list[Finding]) -> str:
    """An item for each other network and what was compared."""
    if not findings:
        return "<p>Nowhere in this run.</p>"
    groups: dict[tuple[str, str], list[str]] = {}
    for found in findings:
        groups.setdefault((found.model, found.what), []).append(str(found))
    items: dict[str, list[str]] = {}
    for (model, what), texts in groups.items():
        line = f"<li>{escaped(what)}: {escaped(', '.join(texts))}</li>"
        items.setdefault(model, []).append(line)
    return "".join(
        f"<p><b>{escaped(model)}</b></p><ul>{''.join(lines)}</ul>"
        for model, lines in items.items()
    )


def _conditions(record):
    """What ran, and on what."""
    settings, hardware = record["settings"], record["hardware"]
    runtimes = dict.fromkeys(row["runtime"] for row in record["rows"])
    shape = "x".join(map(str, record["input_shape"]))
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    lines = {
        "networks": "; ".join(record["counts"]),
        "images": f"{shape}, one at a time and in batches of "
        f"{settings['batch_size']}",
        "machine": f"{hardware['processor']}, {settings['threads']} thread(s)",
        "runtimes": ", ".join(runtimes),
        "written by": versions,
        "how": f"exported, then in turns for {settings['rounds']} rounds; a "
        "ratio is the median of the ratios within a round",
    }
    items = "".join(
        f"<li><b>{name}:</b> {escaped(text)}</li>"
        for name, text in lines.items()
    )
    return ["<h2>What was compared, and on what</h2>", f"<ul>{items}</ul>"]


def _frontier(record):
    """A figure for each runtime, over accuracy where that is known."""
    latencies: dict[str, dict[str, float]] = {}
    for row in record["rows"]:
        latencies.setdefault(row["runtime"], {})[row["model"]] = row["latency"]
    known = record["accuracy"]
    macs = {label: count["macs"] for label, count in record["counts"].items()}
    # All on the same data, or they cannot be compared.
    data = {(stated["name"], stated["data"]) for stated in known.values()}
    values = {label: stated["value"] for label, stated in known.items()}
    drawn = len(data) == 1 and len(set(values.values())) > 1
    parts = ['<div class="grid">']
    for runtime, times in latencies.items():
        if drawn:
            figure = figures.draw_accuracy(times, values, next(iter(data))[0])
            what = "published accuracy and the time of one image"
        else:
            figure = figures.draw_cost(times, macs)
            what = "multiply-accumulates and the time of one image"
        parts.append(as_inline_svg(figure, f"{runtime}: {what}"))
    parts.append("</div>")
    if drawn:
        missing = [label for label in macs if label not in values]
        parts.append(_note(next(iter(data))[1], missing))
    else:
        parts.append(
            "<p>Below the grey line a network does more multiplications a "
            "second than the first. Accuracies are drawn where the library's "
            "table of weights states different ones on the same data.</p>"
        )
    return parts + _stated(known)


def _note(data, missing):
    text = f"Accuracy on {data}; the grey line joins whom nobody beats."
    if missing:
        text += f" Not drawn, without a published number: {'; '.join(missing)}."
    return f"<p>{escaped(text)}</p>"


def _stated(known):
    """Where accuracies come from; they are not measured here."""
    items = "".join(
        "<li>{}</li>".format(
            escaped(
                f"{label}: {stated['value']:.2f} ({stated['name']}) with "
                f"weights {stated['weights']}, {stated['data']}, as stated in "
                f"{stated['source']}"
            )
        )
        for label, stated in known.items()
    )
    return [f"<p>Published:</p><ul>{items}</ul>"] if items else []


def _memory(reports):
    figure = draw_memory(reports, *figures.SIZE)
    figures.legend_below(figure)
    return [
        '<div class="grid">',
        as_inline_svg(figure, "What a network holds while each layer runs"),
        "<p>Counted by <code>audit</code> for one image, not measured: inputs "
        "and outputs of the layer that runs and whatever waits for a later "
        "one. A mark is at each peak. Where lines lie on each other, skips "
        "cost nothing.</p>",
        "</div>",
    ]
