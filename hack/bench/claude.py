"""A `claude` that prints stream-json at full speed: lines of 100 bytes, pieces of a message.

BENCH_BYTES of it once the file BENCH_LEAVE is there; it ends, with a result, once that has gone.
"""

import json
import os
import time
from pathlib import Path

INIT = {"type": "system", "subtype": "init", "session_id": "bench", "model": "bench"}
RESULT = {"type": "result", "subtype": "success", "is_error": False, "result": "", "num_turns": 1}
PIECE = '{"type":"stream_event","event":{"type":"content_block_delta","delta":{"text":"%s"}}}\n'
LINE = (PIECE % ("x" * (100 - len(PIECE % "")))).encode()
BLOCK = LINE * 655


def main() -> None:
    total, leave = int(os.environ["BENCH_BYTES"]), Path(os.environ["BENCH_LEAVE"])
    while not leave.exists():
        time.sleep(0.001)
    tell(json.dumps(INIT).ljust(199).encode() + b"\n")
    left = total - 200
    while left > 0:
        left -= os.write(1, BLOCK[:left])
    while leave.exists():  # who looks at CPU time needs living processes
        time.sleep(0.01)
    tell(json.dumps(RESULT).encode() + b"\n")


def tell(line: bytes) -> None:
    os.write(1, line)


if __name__ == "__main__":
    main()
