"""What a runner's link brings, into a window."""

from ccx_gateway.output_window import OutputWindow, Stream
from ccx_kube.link import End, Gap, Item, Output


def take_in(window: OutputWindow, item: Item) -> None:
    match item:
        case Output(_, stream, data):
            name: Stream = "stdout" if stream.name == "STDOUT" else "stderr"
            window.append(name, data)
        case Gap(_, end):
            window.append_gap(end)
        case End():
            window.append_end()
