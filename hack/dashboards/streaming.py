"""For who runs the gateway: clients, how much flows, what is missing, what is refused."""

from typing import Final

from dashboards.board import Board
from dashboards.panels import bars, series, stat
from dashboards.queries import IN_RANGE, grown, most, of, quantiles, rate, total

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
                    total("ccx_links_open"),
                ),
                stat(
                    "Executions watched",
                    "By at least one client.",
                    "none",
                    total("ccx_gateway_windows"),
                ),
                stat(
                    "Missing output",
                    "In the time shown, told to clients as gaps of exact size.",
                    "bytes",
                    grown("ccx_gateway_gap_bytes_total", within=IN_RANGE),
                    bad_above=1,
                ),
                stat(
                    "Slow clients cut",
                    "In the time shown: sockets that were closed as their client took nothing.",
                    "none",
                    grown("ccx_gateway_clients_cut_total", within=IN_RANGE, why="slow"),
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
            "Throughput",
            [
                series(
                    "From runners, and to clients",
                    "Output; what several clients watch comes once and goes to each.",
                    "Bps",
                    {
                        "from runners": rate("ccx_gateway_received_bytes_total"),
                        "to clients": rate("ccx_gateway_output_bytes_total"),
                    },
                ),
                series(
                    "Lines",
                    "A second; where lines are short, reckoned from a part of each frame.",
                    "ops",
                    {
                        "from runners": rate("ccx_gateway_received_lines_total"),
                        "to clients": rate("ccx_gateway_output_lines_total"),
                    },
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
                series(
                    "Recent output that is held",
                    "The windows of all executions that are watched: 2 MiB each at most.",
                    "bytes",
                    {"{{pod}}": f"sum by (pod) ({of('ccx_gateway_window_bytes')})"},
                ),
            ],
        ),
        (
            "Lag",
            [
                series(
                    "Viewers by where they are",
                    "At the head they have all that there is; the window has what comes next for "
                    "them; or only the runner's spool has it.",
                    "none",
                    {"{{place}}": total("ccx_gateway_viewers", "place")},
                    stacked=True,
                    width=8,
                ),
                series(
                    "How far the last is behind",
                    "Bytes between the last viewer of each place and what has come.",
                    "bytes",
                    {"{{place}}": most("ccx_gateway_viewer_lag_bytes", "place")},
                    width=8,
                ),
                series(
                    "How long a client takes for a message",
                    "Until it, or enough of those before it, was taken.",
                    "s",
                    quantiles("ccx_gateway_send_seconds"),
                    width=8,
                ),
                series(
                    "Messages that are not taken yet",
                    "They are being sent, or wait for their turn.",
                    "none",
                    {"{{pod}}": f"sum by (pod) ({of('ccx_gateway_queued_messages')})"},
                ),
                bars(
                    "Clients cut",
                    "Sockets that were closed in each interval: slow ones took nothing for "
                    "--client-timeout-seconds, silent ones gave no sign of life.",
                    "none",
                    {"{{why}}": grown("ccx_gateway_clients_cut_total", "why")},
                ),
            ],
        ),
        (
            "What is missing, and what went on",
            [
                series(
                    "Missing output",
                    "Dropped by the spool before a gateway read it, and told to clients as gaps.",
                    "Bps",
                    {
                        "from runners": rate("ccx_gateway_dropped_bytes_total"),
                        "told to clients": rate("ccx_gateway_gap_bytes_total"),
                    },
                    width=8,
                ),
                bars(
                    "Gaps",
                    "How many there were in each interval, of any size.",
                    "none",
                    {
                        "from runners": grown("ccx_gateway_received_gaps_total"),
                        "told to clients": grown("ccx_gateway_output_gaps_total"),
                    },
                    width=8,
                ),
                bars(
                    "Resumed at an offset",
                    "In each interval: links to runners that had broken, and clients that came "
                    "back.",
                    "none",
                    {"{{what}}": grown("ccx_gateway_resumes_total", "what")},
                    width=8,
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
                bars(
                    "Sockets",
                    "That were let in in each interval, by whether there was room.",
                    "none",
                    {"{{result}}": grown("ccx_gateway_connections_total", "result")},
                ),
            ],
        ),
    ],
)
