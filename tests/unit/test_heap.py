import subprocess
import sys

PROGRAM = """
import resource
from ccx_runner.heap import keep_what_is_freed
assert keep_what_is_freed()
def use(): return [bytearray(n * 40_000) for n in range(1, 12)]
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100): use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_what_was_freed_is_used_again_without_new_pages() -> None:
    """Without it each round takes some 600 pages anew."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 2000


def test_what_was_there_is_passed_over_by_collections() -> None:
    program = "import gc, ccx_runner.heap as heap; heap.pass_over_what_is_here(); "
    program += "print(gc.get_freeze_count() > 1000, len(gc.get_objects()) < 1000)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "True True\n"
