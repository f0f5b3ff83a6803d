"""Whether the node of a pod that was not Ready before has fallen silent, by our own tries. Pure.

A node controller tells of a silent node by taking the Ready condition of its pods back. Of one
that is paused it has nothing to take, and writes nothing, until a taint has the pod deleted after
300 s (its own tolerations may say never). Links go through the kubelet: if none can be opened for
a while because nobody answers there, that is told. It does not make the pod lost: 0025.
"""

from datetime import datetime, timedelta

from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Observed

SILENT_NODE = timedelta(seconds=30)
"""How long nobody may answer; a kubelet that is started anew does by then."""


def silent_from(execution: ClaudeExecution, pod: PodFacts, observed: Observed) -> datetime | None:
    """When its silence is to be told. None: there is none, or the Ready condition tells of it."""
    silence, runs = observed.silence, execution.status.phase in (Phase.RUNNING, Phase.PAUSED)
    if pod.ready or not runs or silence is None or silence.node_since is None:
        return None
    return silence.node_since + SILENT_NODE
