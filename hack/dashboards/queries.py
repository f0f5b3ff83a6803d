"""PromQL in the few forms that the dashboards need. Pure. Each is of the chosen namespaces."""

from typing import Final

IN_STEP: Final = "$__rate_interval"
IN_RANGE: Final = "$__range"
"""Of the whole time that is looked at."""


def of(metric: str, **labels: str) -> str:
    """A selector; a value with | in it is one of several."""
    wanted = ['namespace=~"$namespace"']
    wanted += [f'{name}{"=~" if "|" in value else "="}"{value}"' for name, value in labels.items()]
    return f"{metric}{{{','.join(wanted)}}}"


def total(metric: str, by: str = "", **labels: str) -> str:
    return f"sum{_by(by)}({of(metric, **labels)})"


def most(metric: str, by: str = "", **labels: str) -> str:
    return f"max{_by(by)}({of(metric, **labels)})"


def rate(metric: str, by: str = "", **labels: str) -> str:
    """A second."""
    return f"sum{_by(by)}(rate({of(metric, **labels)}[{IN_STEP}]))"


def grown(metric: str, by: str = "", within: str = IN_STEP, **labels: str) -> str:
    return f"sum{_by(by)}(increase({of(metric, **labels)}[{within}]))"


def quantile(share: float, histogram: str, by: str = "", within: str = IN_STEP) -> str:
    labels = f"le, {by}" if by else "le"
    inner = f"sum by ({labels}) (rate({of(histogram + '_bucket')}[{within}]))"
    return f"histogram_quantile({share}, {inner})"


def quantiles(histogram: str, by: str = "") -> dict[str, str]:
    """The middle, and what one in twenty exceeds."""
    named = f"{{{{{by}}}}} " if by else ""
    return {f"{named}p{share * 100:.0f}": quantile(share, histogram, by) for share in (0.5, 0.95)}


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""
