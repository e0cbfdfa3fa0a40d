"""The command `keras-pnnh bench`."""

import argparse

from keras_pnnh.cli.options import (
    MODEL_HELP,
    SubParsers,
)


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "bench",
        help="time and memory of a plain network and its twins",
        allow_abbrev=False,
    )
    command.add_argument("--model", required=True, help=MODEL_HELP)
    command.add_argument(
        "--image-size",
        type=int,
        help="height and width of the images; default: that of the model",
    )
    command.add_argument(
        "--formats",
        nargs="+",
        metavar="FORMAT",
        help="default: onnx litert saved_model",
    )
    for name, default, what in (
        ("batch-size", 8, "images per batch, for throughput and memory"),
        ("rounds", 11, "how often every network runs"),
        ("threads", 1, "of every runtime"),
    ):
        command.add_argument(
            f"--{name}",
            type=int,
            default=default,
            help=f"{what}; default: {default}",
        )
    command.add_argument(
        "--beside",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="further models for images of the same size, folded",
    )
    command.add_argument("--output", help="also write the result as JSON")
    command.add_argument(
        "--report",
        metavar="FILE.html",
        help="also write a page with figures and tables, to be shown",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print a table, a row for each network and runtime."""
    import json
    import sys

    from keras_pnnh.cli.contestants import measure
    from keras_pnnh.deployment.benchmark import FORMATS, as_text
    from keras_pnnh.deployment.benchmark_page import check_report, write_report
    from keras_pnnh.files import write_text

    if options.report:
        check_report(options.report)
    record, reports = measure(
        options.model,
        image_size=options.image_size,
        formats=options.formats or FORMATS,
        beside=options.beside,
        batch_size=options.batch_size,
        rounds=options.rounds,
        threads=options.threads,
        progress=lambda record: print(
            f"measured: {record['rows'][-1]['runtime']}",
            file=sys.stderr,
            flush=True,
        ),
    )
    print(as_text(record["rows"]))
    if options.output:
        write_text(options.output, json.dumps(record, indent=1) + "\n")
    if options.report:
        write_report(options.report, record, reports)
        print(f"report: {options.report}")
    return 0
