"""What a pod says of the wish that its runner starts with. Pure.

    pod_spec.py, and start.py for a pod whose process has not started -> the pod's annotations
    -> the kubelet, as the agent's container starts -> `ccx-runner run --wish`

So who pauses an execution while its image is pulled finds it frozen at its first instruction.
"""

from ccx_api.names import ANNOTATION_GENERATION, ANNOTATION_WISH
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_api.wish import Wish


def first_wish(execution: ClaudeExecution) -> dict[str, str]:
    return {
        ANNOTATION_GENERATION: str(execution.metadata.generation),
        ANNOTATION_WISH: Wish.of(execution).model_dump_json(exclude_none=True),
    }
