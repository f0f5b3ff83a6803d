"""Which modules take decisions, and which of the quick tests notice what is taken from them."""

from typing import Final

_DECIDE: Final = (
    "test_phase_table",
    "test_reconcile",
    "test_rungs",
    "test_messages",
    "test_next_attempt",
    "test_settled",
    "test_attempts",
    "test_frozen",
    "test_stalled",
    "test_expiring",
    "test_controller",
    "test_lost_time",
    "test_silent_node",
    "test_unsure_creation",
)

MODULES: Final = {
    **dict.fromkeys(
        (
            "ccx_operator.reconcile",
            "ccx_operator.start",
            "ccx_operator.given_up",
            "ccx_operator.attempts",
            "ccx_operator.restored",
            "ccx_operator.frozen",
            "ccx_operator.settled",
            "ccx_operator.alive",
            "ccx_operator.stopping",
            "ccx_operator.asking",
            "ccx_operator.finish",
            "ccx_operator.verdict",
            "ccx_operator.session_end",
            "ccx_operator.lost_time",
            "ccx_operator.silent_node",
            "ccx_operator.unsure",
        ),
        _DECIDE,
    ),
    "ccx_operator.conditions": (*_DECIDE, "test_conditions"),
    "ccx_operator.wanted": (*_DECIDE, "test_handlers"),
    "ccx_operator.observed": (*_DECIDE, "test_progress"),
    "ccx_operator.progress": (*_DECIDE, "test_progress"),
    "ccx_operator.usage": (*_DECIDE, "test_progress"),
    "ccx_operator.facts": ("test_facts",),
    "ccx_operator.last_words": ("test_facts", "test_greeting"),
    "ccx_operator.news": ("test_news", "test_silent_node"),
    "ccx_operator.store": (
        *("test_store", "test_resync", "test_handlers", "test_session_watch", "test_expiring"),
        *("test_controller", "test_silent_node", "test_unsure_creation"),
    ),
    "ccx_operator.outcomes": ("test_outcomes", "test_unsure_creation"),
    "ccx_operator.cluster": ("test_cluster",),
    "ccx_operator.leadership": ("test_leadership",),
    "ccx_operator.gateways": ("test_gateways",),
    "ccx_operator.work_queue": ("test_work_queue",),
    "ccx_operator.workspace": ("test_pod_spec", "test_next_attempt", "test_attempts"),
    "ccx_operator.pod_template": ("test_pod_template",),
    "ccx_operator.spec_refusal": ("test_spec_refusal",),
    "ccx_operator.site_template": ("test_site_template",),
    "ccx_operator.usage_record": ("test_usage_record",),
    "ccx_operator.usage_tally": ("test_usage_record",),
    "ccx_operator.events": ("test_events",),
    "ccx_kube.runner_words": ("test_runner_words",),
    "ccx_runner.wishes": ("test_wishes",),
    "ccx_runner.stall": ("test_stall",),
    "ccx_runner.turn": ("test_turn",),
    "ccx_runner.run_clock": ("test_run_clock",),
    "ccx_runner.back_pressure": ("test_back_pressure",),
    "ccx_runner.stream_json": ("test_stream_json",),
    "ccx_runner.snapshot_json": ("test_snapshot_json",),
    "ccx_runner.exit_code": ("test_exit_code",),
    "ccx_runner.greeting": ("test_greeting",),
}

NO_DECISIONS: Final = {
    "cluster.py KubeCluster": "calls and answers: tests/integration/test_kube_cluster.py",
    "cluster.py _written": "as well",
    "stall.py Stall": "timers and the supervisor: tests/integration/test_runner_stall.py",
    "work_queue.py WorkQueue": "the clock and the wait of Schedule, which decides",
}
"""What stands beside them, and where it is proven."""

FOR_THE_TYPE_CHECKER: Final = {
    "alive.py _began_in_time: without `and began is not None`": "a pod that runs has a time",
    "given_up.py _patience: without `or pod.gone_by is None`": "a pod that goes has a time",
    "asking.py _boot_look: without `or looked.at`": "a pod that runs has a time",
    "asking.py _unready_look: without `and silence is not None`": "it is, where silent_from is",
    "snapshot_json.py _cut_names: without `if claude is None`": "without Claude, cutting more fits",
    "outcomes.py note: without `case if isinstance(action, CreatePod)`": "who else is unsure",
    "outcomes.py note: without `case if isinstance(action, DeletePod)`": "what else makes it go",
    "outcomes.py note: without `case if isinstance(action, Look | Deliver)`": "who else is heard",
    "leadership.py Standing.leads_until: without `or self.lease is None`": "it is written",
    "leadership.py decide: without `and lease is not None`": "it was written, so it is",
}
"""Rungs that nothing can step on, and why."""
