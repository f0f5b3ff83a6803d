"""Freeze and thaw the tree of processes until it is as it is wished to be by now.

settle(), hold() -> freeze | thaw -> proof -> RunState

One piece of work at a time; it gives way to a newer wish, and to an end before its next round.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Literal

from ccx_runner.defences import free_a_descriptor
from ccx_runner.freeze import MAX_SECONDS, Proof, ToGroup, freeze, thaw
from ccx_runner.process_tree import UnreadableTreeError
from ccx_runner.run_state import RunState, facts
from ccx_runner.snapshot import ControlFacts
from ccx_runner.wishes import Refused, Wishes

HOLD_SECONDS = 1.0
"""How often a freeze is proven anew: a death in a stopped group makes the kernel continue it,
and an orphan of a kubectl exec may come to us later."""


class Settling:
    def __init__(
        self,
        state: RunState,
        wishes: Callable[[], Wishes],
        fault: Callable[[str], None],
        to_group: ToGroup,
    ) -> None:
        """`wishes` are those of now. `fault` is told why the tree cannot be read."""
        self._state, self._wishes, self._fault = state, wishes, fault
        self._to_group = to_group
        self.turn = asyncio.Lock()
        """For who changes the tree itself."""

        self._to_hold = asyncio.Event()

    async def settle(self, action: Literal["pause", "resume"], owner: str) -> None:
        """Bring the tree to what is wished, and record it if that is still the action.

        Raises Refused.
        """

        def told(proof: Proof) -> ControlFacts | None:
            is_wished = (owner in self._wishes().frozen_by) == (action == "pause")
            return facts(action, proof) if is_wished else None

        if action == "pause":
            self._to_hold.set()
        proof = await self._apply(told)
        if proof is None or told(proof) is None:
            self._state.refuse_if_over()
            raise Refused("superseded by a newer wish")
        if not proof.proven:
            raise Refused(f"not proven within {MAX_SECONDS:.0f} s; it will be tried again")

    async def hold(self) -> None:
        """Until cancelled. Without a pause it never wakes: there may be hundreds on a node."""
        while True:
            await self._to_hold.wait()
            await asyncio.sleep(HOLD_SECONDS)
            if not self._wishes().frozen:
                self._to_hold.clear()
            elif not self._state.is_over:
                await self._apply(lambda _: None)

    async def _apply(self, told: Callable[[Proof], ControlFacts | None]) -> Proof | None:
        """None: something newer is wished. Of two pieces of work the second waits."""
        async with self.turn:
            state, frozen = self._state, self._wishes().frozen

            def wanted() -> bool:
                return self._wishes().frozen is frozen and not state.is_over

            if not frozen and wanted():
                state.enter("Running")
            try:
                apply = freeze if frozen else thaw
                proof = await apply(os.getpid(), to_group=self._to_group, wanted=wanted)
            except UnreadableTreeError as exc:
                free_a_descriptor()
                self._fault(str(exc))
                return None
            if not wanted():
                return None
            if proof.proven:
                state.generation = self._wishes().generation
            state.enter("Paused" if frozen and proof.proven else "Running", told(proof))
            return proof
