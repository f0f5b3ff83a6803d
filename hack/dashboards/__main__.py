"""`make manifests`: write charts/cc-executor/dashboards; with --check say what is out of date."""

import sys
from pathlib import Path

from ccx_api.render import write
from dashboards.executions import EXECUTIONS
from dashboards.operator_health import OPERATOR
from dashboards.overview import OVERVIEW
from dashboards.streaming import STREAMING

BOARDS = (OVERVIEW, EXECUTIONS, STREAMING, OPERATOR)
FOLDER = Path(__file__).parents[2] / "charts/cc-executor/dashboards"


def rendered() -> dict[Path, str]:
    return {FOLDER / f"{board.name}.json": board.to_json() for board in BOARDS}


if __name__ == "__main__":
    write(rendered(), check="--check" in sys.argv)
