"""A real Prometheus that reads operators and gateways, with the labels that a cluster's adds."""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ccx_dev.child import Child
from support.free_port import a_free_port
from support.prometheus import PROMETHEUS
from support.waiting import eventually

Object = dict[str, Any]
NAMESPACE = "cc-executor"


class Prometheus:
    def __init__(self, url: str, targets: int) -> None:
        self.url, self._targets = url, targets

    def ask(self, path: str, **query: str) -> Any:
        text = urllib.parse.urlencode(query)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{text}", timeout=60) as answer:
            return json.loads(answer.read())["data"]

    def values(self, expr: str) -> list[float]:
        """Of what is found and is a number: 0 / 0 has found nothing."""
        found = [float(one["value"][1]) for one in self.ask("query", query=expr)["result"]]
        return [value for value in found if not math.isnan(value)]

    def names(self) -> set[str]:
        return set(self.ask("label/__name__/values"))

    def has_read_all_since(self, when: float) -> None:
        """Every target, at least twice: a rate needs two points."""
        first = eventually(lambda: self._oldest_read(after=when), what="a scrape of all")
        eventually(lambda: self._oldest_read(after=first), what="another scrape of all")

    def _oldest_read(self, *, after: float) -> float | None:
        times = self.values("timestamp(ccx_build_info)")
        return min(times) if len(times) == self._targets and min(times) > after else None

    def is_ready(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/-/ready", timeout=60).close()
        except OSError:
            return False
        return True


@contextmanager
def a_prometheus(directory: Path, targets: Mapping[str, str]) -> Iterator[Prometheus]:
    """`targets`: the address of each pod by its name."""
    assert PROMETHEUS is not None
    directory.mkdir(parents=True)
    scraped = [
        {"targets": [address], "labels": {"namespace": NAMESPACE, "pod": pod}}
        for pod, address in targets.items()
    ]
    job = {"job_name": f"{NAMESPACE}/ccx", "static_configs": scraped}
    config = {"global": {"scrape_interval": "500ms"}, "scrape_configs": [job]}
    file = directory / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{a_free_port()}"
    argv = [PROMETHEUS, f"--config.file={file}", f"--web.listen-address={address}"]
    argv += [f"--storage.tsdb.path={directory / 'data'}", "--log.level=warn"]
    child = Child("Prometheus", argv, log=directory / "prometheus.log", ready_seconds=None)
    try:
        prometheus = Prometheus(f"http://{address}", len(targets))
        eventually(prometheus.is_ready, what="Prometheus")
        yield prometheus
    finally:
        child.end()
