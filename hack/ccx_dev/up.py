"""`make up`: keep the local stack running until Ctrl-C, for your own kubectl and clients."""

import argparse
import signal
import sys
from pathlib import Path

from ccx_dev.child import StackError
from ccx_dev.claude_cli import MISSING, ROOT, claude_directory
from ccx_dev.stack import CREDENTIALS, Stack, running_stack

SCRIPTED = """\
Claude Code talks to a scripted Messages API on this machine: nothing is spent. Set
ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN before `make up` to use the real one."""
REAL = "Claude Code uses the real API with your key: executions cost money."

NEXT = """\
Try, in another terminal:

  export KUBECONFIG={kubeconfig}
  kubectl apply -f examples/ticks.yaml
  kubectl get cx -w
  kubectl patch cx ticks --type merge -p '{{"spec":{{"desiredState":"Paused"}}}}'
  kubectl patch cx ticks --type merge -p '{{"spec":{{"desiredState":"Running"}}}}'
  kubectl wait cx/ticks --for condition=Finished --timeout 90s
  kubectl describe cx ticks

and a WebSocket client, which runs, watches, pauses and resumes a command:

  .venv/bin/python examples/websocket.py {websocket}

Logs are in {directory}. Ctrl-C ends everything."""


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # ends like Ctrl-C: everything with it
    parser = argparse.ArgumentParser(prog="python -m ccx_dev.up", description=__doc__)
    parser.add_argument("--port", type=int, default=8003, help="the gateway's (8003)")
    port = parser.parse_args().port
    try:
        with running_stack(ROOT / ".ccx", gateway_port=port) as stack:
            _tell(stack)
            signal.pause()
    except StackError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("\nEnding everything ...")


def _tell(stack: Stack) -> None:
    print(f"devcluster, a stand-in for a cluster, serves {stack.url}; the operator runs;")
    print(f"the gateway takes WebSocket clients at {stack.websocket}.")
    print(SCRIPTED if stack.scripted else REAL)
    if claude_directory() is None:
        print(f"Executions with a prompt will fail: {MISSING}.")
    print(f"Their credentials are in the Secret {CREDENTIALS}.\n")
    here = Path.cwd()
    kubeconfig, directory = (_relative(path, here) for path in (stack.kubeconfig, stack.directory))
    told = NEXT.format(kubeconfig=kubeconfig, directory=directory, websocket=stack.websocket)
    print(told, flush=True)


def _relative(path: Path, here: Path) -> Path:
    return path.relative_to(here) if path.is_relative_to(here) else path


if __name__ == "__main__":
    main()
