"""What a call needs: the verbs on claudeexecutions that its user must hold. Pure.

method, namespace, name -> the Access that it needs, in the order in which it is asked for
"""

from collections.abc import Mapping
from typing import Final

from ccx_kube.reviews import Access

VERBS: Final[Mapping[str, tuple[str, ...]]] = {
    "execute": ("create",),
    "control": ("patch",),
    "configure": ("patch",),
    "attach": ("get",),
    "detach": (),
    "credit": (),
    "status": ("get",),
    "list": ("list",),
}
"""detach and credit concern what this socket follows already, which needed its own verb."""

TAKE_OVER: Final = ("get", "patch")
"""Who takes an execution over is told of it, and writes to it: an attach with a session, and an
execute whose idempotencyKey finds one that is no session of this socket's."""

_OF_NONE: Final = frozenset({"create", "list"})
"""Verbs that the API server knows no name for."""


def needs(
    method: str, namespace: str, name: str = "", *, takes_over: bool = False
) -> tuple[Access, ...]:
    """The output that is told rests on the first of them."""
    verbs = TAKE_OVER if takes_over else VERBS[method]
    return tuple(Access(verb, namespace, "" if verb in _OF_NONE else name) for verb in verbs)
