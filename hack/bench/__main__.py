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
from bench.rows import chosen, groups, ids_of, rows_of
from ccx_dev.child import StackError

ROOT = Path(__file__).parents[2]
RESULT = ROOT / ".ccx/bench.json"


def main() -> None:
    options = _options()
    bench = Bench(options.rounds, options.megabytes, ROOT / ".ccx/bench")
    run = _run(options)
    try:
        for group, ids in chosen(options.only).items():
            rows = [row for row in rows_of(group)(bench) if row.id in ids]
            print(table(rows), flush=True)
            _keep(rows, run)
    except StackError as error:
        sys.exit(f"bench: {error}")
    print(f"bench: {RESULT.relative_to(ROOT)} has every round", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [*groups(), *(found for group in groups() for found in ids_of(group))]
    parser.add_argument("only", nargs="*", metavar="ID", help=f"of {', '.join(known)}; or all")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement (5)")
    parser.add_argument("--megabytes", type=int, default=100, help="of output in each (100)")
    found = parser.parse_args()
    for word in found.only:
        if word not in known:
            parser.error(f"{word}: is not one of {', '.join(known)}")
    if found.rounds < 1 or found.megabytes < 1:
        parser.error("--rounds, --megabytes: must be 1 or more")
    return found


def _keep(rows: list[Row], run: dict[str, Any]) -> None:
    """Beside what other runs have measured: each entry says of which run it is."""
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    found = {**kept, **as_json(rows, run)}
    RESULT.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _run(options: argparse.Namespace) -> dict[str, Any]:
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
