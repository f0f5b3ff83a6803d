from prometheus_client import generate_latest

from ccx_operator.metrics import Metrics
from ccx_operator.store import Store
from support.reconciling import an_execution, was


def test_the_page_tells_of_phases_and_work_and_names_nobody() -> None:
    store = Store()
    store.saw_execution(an_execution(status=was("Running", "Started")))
    metrics = Metrics(store, queue_depth=lambda: 3, links_open=lambda: 2)
    metrics.reconciled("ok", 0.1)
    metrics.acted("CreatePod")
    metrics.requested("PATCH", 409)
    page = generate_latest(metrics.registry).decode()
    for line in (
        'ccx_executions{phase="Running"} 1.0',
        'ccx_executions{phase="Failed"} 0.0',
        'ccx_reconcile_total{result="ok"} 1.0',
        "ccx_reconcile_duration_seconds_count 1.0",
        'ccx_actions_total{action="CreatePod"} 1.0',
        'ccx_api_requests_total{code="409",verb="PATCH"} 1.0',
        "ccx_work_queue_depth 3.0",
        "ccx_links_open 2.0",
        "ccx_leader 1.0",
        "ccx_leader_transitions 0.0",
        "ccx_build_info{version=",
    ):
        assert line in page
    assert "e1" not in page.replace('le="', "").split()


def test_a_standby_says_that_it_is_one() -> None:
    leads = False
    metrics = Metrics(
        Store(),
        queue_depth=lambda: 0,
        links_open=lambda: 0,
        leads=lambda: leads,
        leader_transitions=lambda: 3,
    )
    page = generate_latest(metrics.registry).decode()
    assert "ccx_leader 0.0" in page
    assert "ccx_leader_transitions 3.0" in page
