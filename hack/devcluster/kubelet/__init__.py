"""The node of devcluster: schedules pods and runs them as local processes.

store -> scheduler -> Kubelet -> one PodWorker per pod -> one shim per container -> processes
"""

from devcluster.kubelet.kubelet import Kubelet

__all__ = ["Kubelet"]
