"""What a sweep's directory holds, less what tells of the program itself and differs every time."""

import json

import pandas as pd

PAGE = "report.html"
"""Holds wall times; all else in it comes from the other files."""


def lasting_files(directory):
    """Return the content of each file by its path in the directory, hidden ones included."""
    files = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_dir():
            continue
        if path.name == "summary.json":
            summary = json.loads(path.read_text())
            del summary["engine"]
            files[name] = json.dumps(summary)
        elif path.name == "sweep.parquet":
            table = pd.read_parquet(path)
            files[name] = table.loc[:, ~table.columns.str.startswith("engine.")].to_csv()
        elif path.name == "manifest.json":
            manifest = json.loads(path.read_text())
            del manifest["command_line"]
            files[name] = json.dumps(manifest)
        elif path.name == PAGE:
            files[name] = "a page"
        else:
            files[name] = path.read_bytes()
    return files
