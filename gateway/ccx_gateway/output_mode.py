"""How a client wants its output: as many whole lines as fit to a notification, or one to each."""

from typing import Final, Literal

OutputMode = Literal["chunks", "lines"]
OUTPUT_MODES: Final[tuple[OutputMode, ...]] = ("chunks", "lines")
