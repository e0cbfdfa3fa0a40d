"""Counts of networks by name, kept in one JSON file and added one by one."""

import argparse
import json

from keras_pnnh.files import write_text


def main(description, record_path, names, count):
    """Count the networks that the command line names, or those not yet kept.

    Args:
        description: First line of the script's help.
        record_path: JSON file of the counts.
        names: All names, in the order of the file.
        count: Function from a name to its counts.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    record = read(record_path)
    for name in options.names or [n for n in names if n not in record]:
        record[name] = count(name)
        # In the order of the names, so that a record has one form.
        ordered = {key: record[key] for key in names if key in record}
        write_text(record_path, json.dumps(ordered, indent=1) + "\n")
        print(f"{name}: {record[name]}", flush=True)


def read(record_path):
    """The counts that are kept."""
    if not record_path.is_file():
        return {}
    return json.loads(record_path.read_text(encoding="utf-8"))
