"""The same lines for ours and for the baselines: 100 bytes each, as fast as they are taken.

python source.py BYTES GO [PORT]     waits for the file GO; to stdout, or to a TCP port
"""

import os
import socket
import sys
import time

BLOCK = (b"x" * 99 + b"\n") * 655


def main() -> None:
    left, go, out = int(sys.argv[1]), sys.argv[2], 1
    if len(sys.argv) > 3:
        out = socket.create_connection(("127.0.0.1", int(sys.argv[3]))).detach()
    while not os.path.exists(go):  # noqa: PTH110 - it runs with python3 alone
        time.sleep(0.005)
    while left:
        left -= os.write(out, BLOCK[:left])
    os.close(out)


if __name__ == "__main__":
    main()
