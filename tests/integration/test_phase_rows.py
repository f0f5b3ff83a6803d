"""Every outcome of the phase table with a real operator, real processes and devcluster's faults.

ROWS -> one execution each, all at the same time -> every status that is written -> the outcome
"""

import asyncio
from collections import defaultdict
from pathlib import Path

from devcluster.history import Change
from support.driven_rows import AGAIN, ROWS, Theatre, Way
from support.operated import OURS, Ground, a_ground, a_namespace, a_stage, told_with
from unit.test_phase_table import TABLE

NODE_LOST_SECONDS, TAKEOVER_SECONDS = 20, 2
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "none"},
    "spec": {"hard": {"pods": "0"}},
}
AGENT = f"""#!/bin/sh
# In the place of Claude Code: its prompt is a script, and so is what it resumes.
case " $* " in *" --resume "*) exec sh -c "${AGAIN}" ;; esac
exec sh -s
"""


class History:
    """What each status said, also of what it said for a moment only."""

    def __init__(self, ground: Ground) -> None:
        self.said = defaultdict[str, list[str]](list)
        ground.cluster.store.listen(self._note)

    def _note(self, change: Change) -> None:
        status = change.object.get("status") or {}
        if change.resource == OURS and status.get("phase"):
            said = self.said[change.object["metadata"]["name"]]
            said.append(f"{status['phase']} {status['reason']}")


def test_every_outcome_of_the_table_is_driven_and_nothing_else() -> None:
    """A row that is added to the one must be added to the other."""
    assert set(ROWS) == {outcome for _, _, outcome in TABLE}


async def test_every_row_comes_true(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    agents.mkdir()
    (agents / "claude").write_text(AGENT, encoding="utf-8")
    (agents / "claude").chmod(0o755)
    words = ["--node-lost-seconds", str(NODE_LOST_SECONDS)]
    words += ["--session-takeover-seconds", str(TAKEOVER_SECONDS)]
    async with asyncio.timeout(240), a_ground(tmp_path, path=[str(agents)]) as ground:
        history, full = History(ground), await a_namespace(ground)
        quotas = f"/api/v1/namespaces/{full.namespace}/resourcequotas"
        await ground.client.create(quotas, QUOTA)
        async with a_stage(ground, *words, "--namespace", full.namespace) as stage:
            with told_with(stage.directory / "operator.log"):
                theatre = Theatre(stage, full)
                async with asyncio.TaskGroup() as tasks:
                    for outcome, ways in ROWS.items():
                        for number, way in enumerate(ways, 1):
                            name = f"{outcome.lower().replace(' ', '-')}-{number}"
                            tasks.create_task(drive(theatre, history, outcome, way, name))


async def drive(theatre: Theatre, history: History, outcome: str, way: Way, name: str) -> None:
    ground = theatre.stage.ground
    try:
        await way(theatre, name)
        await ground.until(lambda: outcome in history.said[name], f"{name}: {outcome}")
    except AssertionError as error:
        raise AssertionError(f"{way.__name__}: {error}; it said {history.said[name]}") from None
