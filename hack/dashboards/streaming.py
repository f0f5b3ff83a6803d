"""For who runs the gateway: clients, how much flows, what is missing, what is refused."""

from typing import Final

from dashboards.board import Board
from dashboards.panels import bars, series, stat
from dashboards.queries import IN_RANGE, grown, quantiles, rate, total

STREAMING: Final = Board(
    "streaming",
    "Streaming",
    "Clients of the gateway, how much flows to them, what is missing, what is refused.",
    [
        (
            "Now",
            [
                stat(
                    "Clients",
                    "Sockets that are open.",
                    "none",
                    total("ccx_gateway_sessions"),
                ),
                stat(
                    "Runner links",
                    "That gateways hold open: one for each execution that somebody follows.",
                    "none",
                    f"{total('ccx_links_open')}",
                ),
                stat(
                    "Missing output",
                    "In the time shown, told to clients as gaps of exact size.",
                    "bytes",
                    grown("ccx_gateway_gap_bytes_total", within=IN_RANGE),
                    bad_above=1,
                ),
                stat(
                    "Turned away",
                    "In the time shown: sockets for which there was no room.",
                    "none",
                    grown("ccx_gateway_connections_total", within=IN_RANGE, result="full"),
                    bad_above=1,
                ),
            ],
        ),
        (
            "Output",
            [
                series(
                    "Sent to clients",
                    "Output, all clients together.",
                    "Bps",
                    {"sent": rate("ccx_gateway_output_bytes_total")},
                ),
                series(
                    "Told to clients as missing",
                    "Output that the spool had let go of before they read so far.",
                    "Bps",
                    {"gaps": rate("ccx_gateway_gap_bytes_total")},
                ),
                series(
                    "Printed by executions",
                    "As the operator learns of it, up to half a minute late; and what of it has "
                    "left the spools.",
                    "Bps",
                    {
                        "printed": rate("ccx_runner_output_bytes_total"),
                        "left the spool": rate("ccx_runner_output_dropped_bytes_total"),
                    },
                ),
                bars(
                    "Sockets",
                    "That were let in in each interval, by whether there was room.",
                    "none",
                    {"{{result}}": grown("ccx_gateway_connections_total", "result")},
                ),
            ],
        ),
        (
            "Calls",
            [
                series(
                    "Calls by method",
                    "How many a second.",
                    "reqps",
                    {"{{method}}": rate("ccx_gateway_calls_total", "method")},
                ),
                series(
                    "Answers that are errors",
                    "A second, by method and code: docs/protocol.md has the codes.",
                    "reqps",
                    {
                        "{{method}} {{code}}": "sum by (method, code) "
                        '(rate(ccx_gateway_calls_total{namespace=~"$namespace",code!="0"}'
                        "[$__rate_interval]))"
                    },
                ),
                series(
                    "How long an answer takes",
                    "By method; an execute ends when its process has started.",
                    "s",
                    quantiles("ccx_gateway_call_seconds", "method"),
                ),
                series(
                    "Who is let through",
                    "Handshakes and calls by whether they were allowed.",
                    "reqps",
                    {"{{result}}": rate("ccx_gateway_auth_total", "result")},
                ),
            ],
        ),
    ],
)
