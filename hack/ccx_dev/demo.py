"""`make demo`: the real Claude Code CLI as an execution, paused and resumed before your eyes.

Exits 0 only if all of it has happened.
"""

import argparse
import asyncio
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from ccx_dev.child import StackError
from ccx_dev.claude_cli import MISSING, ROOT, claude_directory
from ccx_dev.execution import Execution
from ccx_dev.narrator import Narrator
from ccx_dev.stack import CREDENTIALS, Stack, running_stack

NAME = "demo"
TICKS = 10
SILENCE = timedelta(seconds=3)
PROMPT = f"""\
Run this block with the Bash tool, in one call and unchanged, and then say that it is done:

```bash
for tick in $(seq 1 {TICKS}); do echo "tick $tick" | tee -a ticks.txt; sleep 0.7; done
```
"""

SCRIPTED = """\
The Messages API is SCRIPTED on this machine: no key is used and nothing is spent. All the rest is
real: operator, gateway, runner, Claude Code CLI. Set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN
to use Anthropic's API."""
REAL = "Claude Code uses Anthropic's API with your key: this costs some cents."


async def play(stack: Stack, narrator: Narrator) -> None:
    task = {
        "prompt": PROMPT,
        "allowedTools": ["Bash"],
        "maxTurns": 5,
        "timeout": 300,
        "credentials": {"secretRef": {"name": CREDENTIALS}},
    }
    async with Execution.start(stack, narrator, name=NAME, **task) as execution:
        await execution.ticked(3)
        await _pause(execution, narrator)
        narrator.say("RESUME", 'control {"type": "RESUME"}')
        await execution.control("RESUME")
        await execution.reaches("Running")
        await execution.ticked(execution.ticks + 2)

        end = await execution.reaches("Succeeded", "Failed", "Cancelled")
        await execution.completed()
        narrator.plain()
        narrator.plain(await execution.row())
        if end.phase != "Succeeded":
            raise StackError(f"the execution ended as {end.phase}/{end.reason}: {end.message}")
        if execution.ticks != TICKS:
            raise StackError(f"{execution.ticks} of {TICKS} ticks were seen")


async def _pause(execution: Execution, narrator: Narrator) -> None:
    narrator.say("PAUSE", 'control {"type": "PAUSE"}')
    proof = await execution.control("PAUSE")
    narrator.say(
        "frozen",
        f"{proof['processesStopped']} processes, each read back from /proc, in "
        f"{proof['latencyMillis']} ms; the Bash loop has a session of its own",
    )
    await execution.reaches("Paused")
    await _silence(execution, narrator)


async def _silence(execution: Execution, narrator: Narrator) -> None:
    """Nothing may tick while everything is frozen."""
    await asyncio.sleep(0.3)  # what was on its way before the freeze
    before, until = execution.ticks, time.monotonic() + SILENCE.total_seconds()
    while time.monotonic() < until:
        narrator.say("", "…")
        await asyncio.sleep(1)
        if execution.ticks != before:
            raise StackError("the loop ticked while the execution was paused")
    narrator.say("silence", f"no tick in {SILENCE.total_seconds():.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ccx_dev.demo", description=__doc__)
    parser.add_argument("--directory", type=Path, default=ROOT / ".ccx/demo", help="for the logs")
    directory = parser.parse_args().directory
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    narrator = Narrator()
    if claude_directory() is None:
        sys.exit(MISSING)
    narrator.plain("CC-Executor: Claude Code as a Kubernetes object\n")
    try:
        with running_stack(directory) as stack:
            narrator.plain(SCRIPTED if stack.scripted else REAL)
            narrator.plain()
            narrator.say("cluster", f"devcluster, a stand-in for a cluster, serves {stack.url}")
            asyncio.run(play(stack, narrator))
    except (StackError, TimeoutError) as error:
        sys.exit(f"\nThe demo did not work: {error}\nLogs are in {directory}")
    except KeyboardInterrupt:
        sys.exit(130)
    narrator.plain("\nAll of it happened. Next: `make up`, and README.md, for your own executions.")


if __name__ == "__main__":
    main()
