"""The same lines for ours and for the baselines: 100 bytes each, as fast as they are taken.

python source.py BYTES LEAVE [PORT]     to stdout, or to a TCP port

The file LEAVE says how many bytes may have been printed by now; without it, none. A runner's
spool takes more than its readers do, and would drop what they have not read.
"""

import os
import socket
import sys
import time
from pathlib import Path

BLOCK = (b"x" * 99 + b"\n") * 655


def main() -> None:
    total, leave, out = int(sys.argv[1]), sys.argv[2], 1
    if len(sys.argv) > 3:
        out = socket.create_connection(("127.0.0.1", int(sys.argv[3]))).detach()
    printed = allowed = 0
    while printed < total:
        if printed >= allowed:
            allowed = min(total, allowed_by(leave))
        if printed >= allowed:
            time.sleep(0.001)
        while printed < allowed:
            printed += os.write(out, BLOCK[: allowed - printed])
    os.close(out)


def allowed_by(leave: str) -> int:
    try:
        return int(Path(leave).read_text())
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    main()
