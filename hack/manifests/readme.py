"""The table of values in the chart's README, from values.yaml and the comments in it.

values.yaml -> rows() -> what stands between the two marks of README.md
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from manifests.chart import CHART

BEGIN: Final = "<!-- values: rendered by `make manifests` -->\n"
END: Final = "<!-- end of values -->\n"
_LINE: Final = re.compile(r"(?P<indent> *)(?P<key>[\w.]+):(?: (?P<value>.+))?$")

Row = tuple[str, str, str]
"""Path, default, description."""


def rows(text: str) -> Iterator[Row]:
    """Every key is a line: `key:` opens a map, `key: value` is a leaf. A comment is of the key
    below it; above an empty line it is of the file.
    """
    comment: list[str] = []
    place: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip("# "))
            continue
        if found := _LINE.match(line):
            depth = len(found["indent"]) // 2
            place = [*place[:depth], found["key"]]
            if comment or found["value"]:
                yield ".".join(place), found["value"] or "", " ".join(comment)
        elif line.strip():
            raise ValueError(f"values.yaml: {line.strip()!r} is neither `key:` nor `key: value`")
        comment = []


def table(text: str) -> str:
    lines = ["| value | default | what |", "| --- | --- | --- |"]
    for path, default, what in rows(text):
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{path}` | {shown} | {what} |")
    return "\n".join(lines) + "\n"


def rendered() -> dict[Path, str]:
    path = CHART / "README.md"
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path}: has no place for the values: {BEGIN.strip()} ... {END.strip()}")
    values = (CHART / "values.yaml").read_text(encoding="utf-8")
    return {path: f"{before}{BEGIN}\n{table(values)}\n{END}{after}"}
