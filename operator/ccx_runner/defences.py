"""What the runner does against a mistaken agent, which has its uid.

docs/security.md says what a hostile one can still do.
"""

import ctypes
import os
from collections.abc import Callable

from ccx_runner.process_tree import UnreadableTreeError, read_stat

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Orphans below us become our children: `all descendants` is `all of the execution`."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def forbid_ptrace() -> None:
    """No ptrace by the agent, which shares our uid, and no look into our memory or environment."""
    _prctl(PR_SET_DUMPABLE, 0)


def is_stranger(pid: int) -> bool:
    """Whether the peer of a socket is no descendant of ours.

    Descendants are the agent's; kubectl exec starts its processes beside us. One that cannot be
    judged (gone, or 0 for another pid namespace) is no stranger.
    """
    try:
        return comes_from_elsewhere(pid, os.getpid(), _parent)
    except UnreadableTreeError:
        return False


def comes_from_elsewhere(pid: int, root: int, parent_of: Callable[[int], int | None]) -> bool:
    """Follow the parents of `pid` up to 0 without meeting `root`."""
    seen = {0}  # a circle, which a pid used again can make, ends the search too
    ancestor: int | None = pid
    while ancestor is not None and ancestor != root and ancestor not in seen:
        seen.add(ancestor)
        ancestor = parent_of(ancestor)
    return ancestor == 0 and pid != 0


def _parent(pid: int) -> int | None:
    stat = read_stat(f"/proc/{pid}/stat")
    return stat.parent if stat else None


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}, {value}): {os.strerror(error)}")


def free_a_descriptor() -> None:
    """Give up our stdin, which nobody reads: with one descriptor /proc can be read again.

    The agent may have lowered our limit. A low number is needed then, not just any.
    """
    try:
        os.close(0)
    except OSError:
        pass  # done before
