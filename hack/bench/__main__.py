"""`make bench`: measure against baselines in the same run, print one table, keep it as JSON."""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.harness import Bench
from bench.report import as_json, table
from bench.row import Row
from bench.rows import groups, rows_of
from ccx_dev.child import StackError

ROOT = Path(__file__).parents[2]
RESULT = ROOT / ".ccx/bench.json"


def main() -> None:
    options = _options()
    bench = Bench(options.rounds, options.megabytes, ROOT / ".ccx/bench")
    rows: list[Row] = []
    try:
        for group in options.groups or groups():
            rows += rows_of(group)(bench)
    except StackError as error:
        sys.exit(f"bench: {error}")
    print(table(rows))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(as_json(rows, _machine(options)), indent=2) + "\n")
    print(f"bench: {RESULT.relative_to(ROOT)} has every round", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = groups()
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(names)}; or all")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement (5)")
    parser.add_argument("--megabytes", type=int, default=200, help="of output in each (200)")
    found = parser.parse_args()
    for group in found.groups:
        if group not in names:
            parser.error(f"{group}: is not one of {', '.join(names)}")
    if found.rounds < 1 or found.megabytes < 1:
        parser.error("--rounds, --megabytes: must be 1 or more")
    return found


def _machine(options: argparse.Namespace) -> dict[str, Any]:
    """What a figure is worth nothing without."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "rounds": options.rounds,
        "megabytes": options.megabytes,
    }


if __name__ == "__main__":
    main()
