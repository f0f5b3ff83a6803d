"""For who runs the operator: whether one leads, whether it keeps up, what the API server says."""

from typing import Final

from dashboards.board import Board
from dashboards.panels import bars, series, stat, table
from dashboards.queries import IN_RANGE, grown, most, of, quantiles, rate, total

OPERATOR: Final = Board(
    "operator",
    "Operator health",
    "Whether an operator leads and keeps up, and what the API server says to it.",
    [
        (
            "At a glance",
            [
                stat(
                    "Leaders",
                    "Operators that act: one, in each installation.",
                    "none",
                    total("ccx_leader"),
                    good_above=1,
                ),
                stat(
                    "Changes of leader",
                    "How often the Lease has changed hands since it was made.",
                    "none",
                    most("ccx_leader_transitions"),
                ),
                stat(
                    "Failed reconciles",
                    "In the time shown. Each is tried again, further and further apart.",
                    "none",
                    grown("ccx_reconcile_total", within=IN_RANGE, result="error"),
                    bad_above=1,
                ),
                stat(
                    "Usage lost",
                    "Executions, in the time shown, whose usage could not be recorded.",
                    "none",
                    grown("ccx_usage_lost_total", within=IN_RANGE),
                    bad_above=1,
                ),
                table(
                    "Versions",
                    "What runs.",
                    "none",
                    f"sum by (component, version) ({of('ccx_build_info')})",
                    width=8,
                ),
            ],
        ),
        (
            "Reconciles",
            [
                series(
                    "Reconciles",
                    "A second, by result.",
                    "ops",
                    {"{{result}}": rate("ccx_reconcile_total", "result")},
                ),
                series(
                    "How long one takes",
                    "With everything that it asks of the API server and of runners.",
                    "s",
                    quantiles("ccx_reconcile_duration_seconds"),
                ),
                series(
                    "What is carried out",
                    "Actions a second, by kind.",
                    "ops",
                    {"{{action}}": rate("ccx_actions_total", "action")},
                ),
                series(
                    "Runner links",
                    "Held open by operators and gateways; each costs the API server a megabyte.",
                    "none",
                    {"{{pod}}": f"sum by (pod) ({of('ccx_links_open')})"},
                ),
            ],
        ),
        (
            "Queues",
            [
                series(
                    "Depth",
                    "What waits for a worker now.",
                    "none",
                    {"{{queue}}": total("ccx_work_queue_depth", "queue")},
                    width=8,
                ),
                series(
                    "Adds",
                    "What becomes ready, a second.",
                    "ops",
                    {"{{queue}}": rate("ccx_work_queue_adds_total", "queue")},
                    width=8,
                ),
                series(
                    "Retries",
                    "What has failed and was put off, a second.",
                    "ops",
                    {"{{queue}}": rate("ccx_work_queue_retries_total", "queue")},
                    width=8,
                ),
            ],
        ),
        (
            "API server",
            [
                series(
                    "Requests by verb",
                    "Of operators and gateways, a second.",
                    "reqps",
                    {"{{verb}}": rate("ccx_api_requests_total", "verb")},
                ),
                series(
                    "Answers by code",
                    "A second. 409 is a conflict, which is part of the game; 0 is no answer.",
                    "reqps",
                    {"{{code}}": rate("ccx_api_requests_total", "code")},
                ),
                bars(
                    "Usage records",
                    "Executions whose usage was recorded in each interval, or was lost.",
                    "none",
                    {
                        "recorded": grown("ccx_usage_recorded_total"),
                        "lost": grown("ccx_usage_lost_total"),
                    },
                ),
            ],
        ),
        (
            "Processes",
            [
                series(
                    "CPU",
                    "Seconds of CPU a second, of operators and gateways.",
                    "none",
                    {
                        "{{pod}}": f"sum by (pod) (rate({of('process_cpu_seconds_total')}"
                        " [$__rate_interval]) * on (job, instance) group_left () "
                        f"group by (job, instance) ({of('ccx_build_info')}))"
                    },
                ),
                series(
                    "Memory",
                    "Resident, of operators and gateways.",
                    "bytes",
                    {
                        "{{pod}}": f"sum by (pod) ({of('process_resident_memory_bytes')}"
                        " * on (job, instance) group_left () "
                        f"group by (job, instance) ({of('ccx_build_info')}))"
                    },
                ),
            ],
        ),
    ],
)
