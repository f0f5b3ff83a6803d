"""What a link brings, a runner's or what is left of one, into a window."""

from dataclasses import dataclass

from ccx_gateway.output_window import OutputWindow, Stream
from ccx_kube.link import End, Gap, Item, Output


@dataclass(frozen=True, slots=True)
class Merged:
    """Output of either stream: nobody knows any more of which."""

    offset: int
    data: bytes


def take_in(window: OutputWindow, item: Item | Merged) -> None:
    match item:
        case Output(_, stream, data):
            name: Stream = "stdout" if stream.name == "STDOUT" else "stderr"
            window.append(name, data)
        case Merged(_, data):
            window.append("merged", data)
        case Gap(_, end):
            window.append_gap(end)
        case End():
            window.append_end()
