"""For a lead: what runs, whether it succeeds, what it costs, and what pausing has saved."""

from typing import Final

from dashboards.board import Board
from dashboards.panels import bars, series, stat
from dashboards.queries import IN_RANGE, grown, most, quantiles, total

_FINISHED = "ccx_executions_finished_total"
_SUCCESS = (
    f"{grown(_FINISHED, within=IN_RANGE, phase='Succeeded')}"
    f" / {grown(_FINISHED, within=IN_RANGE, phase='Succeeded|Failed')}"
)

OVERVIEW: Final = Board(
    "overview",
    "Overview",
    "What runs, whether it succeeds, what it costs, and what pausing has saved.",
    [
        (
            "At a glance",
            [
                stat(
                    "Running",
                    "Executions whose process runs now.",
                    "none",
                    total("ccx_executions", phase="Running"),
                ),
                stat(
                    "Paused",
                    "Executions whose every process is frozen, as read back from the kernel.",
                    "none",
                    total("ccx_executions", phase="Paused"),
                ),
                stat(
                    "Waiting",
                    "Executions that are queued or starting, those held by spec.suspend included.",
                    "none",
                    total("ccx_executions", phase="Queued|Starting"),
                ),
                stat(
                    "Success ratio",
                    "Of the executions that ended in the time shown: succeeded of succeeded and "
                    "failed. Cancelled ones are left out. Empty if none ended.",
                    "percentunit",
                    _SUCCESS,
                    good_above=0.75,
                ),
                stat(
                    "Spend",
                    "US dollars in the time shown, as Claude Code computes them. With a "
                    "subscription they are not what is paid.",
                    "currencyUSD",
                    grown("ccx_execution_cost_usd_total", within=IN_RANGE),
                ),
                stat(
                    "Saved by pausing",
                    "Work that executions had behind them when they were resumed, in the time "
                    "shown: ending them and starting them again would have done it twice.",
                    "s",
                    grown("ccx_pause_saved_seconds_total", within=IN_RANGE),
                ),
            ],
        ),
        (
            "Work",
            [
                series(
                    "Executions that have not ended",
                    "How many there are, by phase.",
                    "none",
                    {
                        "{{phase}}": total(
                            "ccx_executions", "phase", phase="Queued|Starting|Running|Paused"
                        )
                    },
                    stacked=True,
                ),
                bars(
                    "Ends",
                    "Executions that ended in each interval, by how.",
                    "none",
                    {"{{phase}}": grown(_FINISHED, "phase")},
                ),
                series(
                    "Longest wait and longest pause",
                    "Of the execution that has waited longest to start, and of the one that has "
                    "been paused longest. 0 if there is none.",
                    "s",
                    {
                        "wait": most("ccx_executions_longest_wait_seconds"),
                        "pause": most("ccx_executions_longest_pause_seconds"),
                    },
                ),
                series(
                    "From asked to first output",
                    "From the creation of an execution until it first printed something.",
                    "s",
                    quantiles("ccx_execution_startup_seconds", "until"),
                ),
            ],
        ),
        (
            "Money",
            [
                bars(
                    "Spend by model",
                    "US dollars in each interval, as they became known.",
                    "currencyUSD",
                    {"{{model}}": grown("ccx_execution_cost_usd_total", "model")},
                ),
                series(
                    "Time frozen, and work saved",
                    "Seconds in each interval: for which executions were frozen, and of work that "
                    "was not lost as they were paused and not ended.",
                    "s",
                    {
                        "frozen": grown("ccx_execution_paused_seconds_total"),
                        "work saved": grown("ccx_pause_saved_seconds_total"),
                    },
                ),
            ],
        ),
    ],
)
