"""The same lines for ours and for the baselines: 100 bytes each, as fast as they are taken.

python source.py BYTES LEAVE [TO [PER_SECOND]]     to stdout, or to a TCP port or a named pipe

The file LEAVE says how many bytes may have been printed by now; without it, none. A runner's
spool takes more than its readers do, and would drop what they have not read. With PER_SECOND
every line tells when it was printed.
"""

import os
import socket
import sys
import time
from pathlib import Path

LINE_BYTES = 100
BLOCK = (b"x" * (LINE_BYTES - 1) + b"\n") * 655


def main() -> None:
    total, leave, out = int(sys.argv[1]), sys.argv[2], 1
    if len(sys.argv) > 3:
        out = opened(sys.argv[3])
    if len(sys.argv) > 4:
        in_step(total // LINE_BYTES, leave, out, float(sys.argv[4]))
    else:
        at_full_speed(total, leave, out)
    os.close(out)


def opened(to: str) -> int:
    if to.isdecimal():
        return socket.create_connection(("127.0.0.1", int(to))).detach()
    return os.open(to, os.O_WRONLY)


def at_full_speed(total: int, leave: str, out: int) -> None:
    printed = allowed = 0
    while printed < total:
        if printed >= allowed:
            allowed = min(total, allowed_by(leave))
        if printed >= allowed:
            time.sleep(0.001)
        while printed < allowed:
            start = printed % LINE_BYTES  # a pipe may have taken a part of a line
            printed += os.write(out, BLOCK[start : start + allowed - printed])


def in_step(lines: int, leave: str, out: int, per_second: float) -> None:
    while not allowed_by(leave):
        time.sleep(0.001)
    began = time.monotonic()
    for number in range(lines):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        os.write(out, stamped(time.monotonic_ns()))


def stamped(nanoseconds: int) -> bytes:
    return b"at:%020d" % nanoseconds + b"x" * (LINE_BYTES - 24) + b"\n"


def allowed_by(leave: str) -> int:
    try:
        return int(Path(leave).read_text())
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    main()
