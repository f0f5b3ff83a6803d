"""For users: where executions are, how long everything takes, why they fail, what they use."""

from typing import Final

from dashboards.board import Board
from dashboards.panels import bars, series, stat, table
from dashboards.queries import IN_RANGE, grown, most, quantile, quantiles, total

_FINISHED = "ccx_executions_finished_total"
_COST = "ccx_execution_cost_usd_total"
_TOKENS = "ccx_execution_tokens_total"

EXECUTIONS: Final = Board(
    "executions",
    "Executions",
    "Where executions are, how long everything takes, why they fail, what they use.",
    [
        (
            "Now",
            [
                series(
                    "By phase and reason",
                    "Executions that have not ended. What a reason means, and what to do, stands "
                    "in docs/operations.md.",
                    "none",
                    {"{{phase}} {{reason}}": total("ccx_executions_unfinished", "phase, reason")},
                    stacked=True,
                    width=16,
                ),
                stat(
                    "Longest wait",
                    "How long the execution has waited that waits longest to start.",
                    "s",
                    most("ccx_executions_longest_wait_seconds"),
                    bad_above=900,
                ),
                stat(
                    "Longest pause",
                    "How long the execution has been paused that is paused longest.",
                    "s",
                    most("ccx_executions_longest_pause_seconds"),
                    bad_above=4 * 3600,
                ),
            ],
        ),
        (
            "Starts",
            [
                series(
                    "From asked to running, and to first output",
                    "From the creation of an execution; time held by spec.suspend counts.",
                    "s",
                    quantiles("ccx_execution_startup_seconds", "until"),
                ),
                bars(
                    "Retries",
                    "Attempts that were given up for another, by what had ended them.",
                    "none",
                    {"{{reason}}": grown("ccx_execution_retries_total", "reason")},
                ),
            ],
        ),
        (
            "Ends",
            [
                bars(
                    "Ends by outcome",
                    "Executions that ended in each interval.",
                    "none",
                    {"{{phase}}": grown(_FINISHED, "phase")},
                ),
                bars(
                    "Failures by reason",
                    "Executions that failed in each interval. What a reason means, and what to do, "
                    "stands in docs/operations.md.",
                    "none",
                    {"{{reason}}": grown(_FINISHED, "reason", phase="Failed")},
                ),
                table(
                    "Outcomes",
                    "In the time shown, by phase and reason.",
                    "none",
                    f"{grown(_FINISHED, 'phase, reason', within=IN_RANGE)} > 0",
                    width=8,
                ),
                series(
                    "Duration by outcome",
                    "From the start of the process to the end, pauses included.",
                    "s",
                    quantiles("ccx_execution_duration_seconds", "phase"),
                    width=8,
                ),
                series(
                    "Active time by outcome",
                    "For which the processes ran, over all attempts, without pauses.",
                    "s",
                    quantiles("ccx_execution_active_seconds", "phase"),
                    width=8,
                ),
            ],
        ),
        (
            "Use",
            [
                bars(
                    "Cost by model",
                    "US dollars in each interval, as Claude Code computes them.",
                    "currencyUSD",
                    {"{{model}}": grown(_COST, "model")},
                ),
                bars(
                    "Tokens by model and kind",
                    "In each interval, as Claude Code reports them.",
                    "short",
                    {"{{model}} {{type}}": grown(_TOKENS, "model, type")},
                ),
                table(
                    "Cost",
                    "In the time shown, by model: US dollars.",
                    "currencyUSD",
                    grown(_COST, "model", within=IN_RANGE),
                ),
                stat(
                    "Cost of a success",
                    "All that was spent in the time shown, by the executions that succeeded.",
                    "currencyUSD",
                    f"{grown(_COST, within=IN_RANGE)}"
                    f" / {grown(_FINISHED, within=IN_RANGE, phase='Succeeded')}",
                    width=6,
                ),
                stat(
                    "Tokens from the cache",
                    "Of the tokens that went in, in the time shown: those that the cache had.",
                    "percentunit",
                    f"{grown(_TOKENS, within=IN_RANGE, type='cache_read')}"
                    f" / {grown(_TOKENS, within=IN_RANGE, type='input|cache_read|cache_creation')}",
                    width=6,
                ),
            ],
        ),
        (
            "Control",
            [
                series(
                    "PAUSE, RESUME, CANCEL by clients",
                    "From the call at the gateway until it is proven: with the write to the API "
                    "server and the way to the runner.",
                    "s",
                    quantiles("ccx_gateway_control_seconds", "action"),
                ),
                series(
                    "The same in the runner",
                    "From the receipt of a control to its proof.",
                    "s",
                    quantiles("ccx_control_seconds", "action"),
                ),
                bars(
                    "Freezes",
                    "By whether every process was read back as stopped.",
                    "none",
                    {"{{result}}": grown("ccx_freezes_total", "result")},
                ),
                stat(
                    "PAUSE, 99 of 100",
                    "From the call at the gateway until it is proven, in the time shown.",
                    "s",
                    quantile(0.99, "ccx_gateway_control_seconds", within=IN_RANGE),
                    width=6,
                ),
                stat(
                    "Turns restarted",
                    "In the time shown, as a pause had cost Claude the API connection.",
                    "none",
                    grown("ccx_turn_restarts_total", within=IN_RANGE),
                    width=6,
                ),
            ],
        ),
    ],
)
