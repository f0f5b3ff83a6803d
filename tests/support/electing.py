"""An election in a small world: one Lease, several processes, and all that can go wrong.

Every process counts by a clock of its own, which runs slow or fast; requests and answers are slow,
lost, or arrive after the death of who sent them. Time is a value.
"""

from dataclasses import dataclass, field, replace

from ccx_kube.leases import Lease
from ccx_operator.leadership import (
    Acquire,
    Lost,
    Renew,
    Standing,
    Step,
    decide,
    released,
    saw,
    wrote,
)

NAME = "ccx-operator"


class Server:
    def __init__(self) -> None:
        self.lease: Lease | None = None
        self._version = 0

    def put(self, lease: Lease) -> Lease | None:
        """None: conflict."""
        if lease.version != (self.lease.version if self.lease is not None else ""):
            return None
        self._version += 1
        self.lease = replace(lease, version=str(self._version))
        return self.lease


@dataclass
class Process:
    """Of one operator; another after its death."""

    standing: Standing
    offset: float
    rate: float

    def clock(self, time: float) -> float:
        return self.offset + time * self.rate

    def leads(self, time: float) -> bool:
        return self.clock(time) < self.standing.leads_until


@dataclass
class Sent:
    """A write that is on its way, or its answer."""

    sender: Process
    lease: Lease
    sent_at: float
    answer: Lease | None = None


@dataclass
class Race:
    rates: tuple[float, ...]
    time: float = 0.0
    server: Server = field(default_factory=Server)
    sent: list[Sent] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    _born: int = 0

    def __post_init__(self) -> None:
        self.processes = [self._new(rate) for rate in self.rates]

    def leaders(self) -> list[str]:
        return [p.standing.me for p in self.processes if p.leads(self.time)]

    def read(self, index: int) -> None:
        process = self.processes[index]
        process.standing = saw(process.standing, self.server.lease, process.clock(self.time))

    def act(self, index: int, wall: str) -> Step:
        """Decide on what was read, maybe long ago, and send what follows from it."""
        process = self.processes[index]
        now = process.clock(self.time)
        step = decide(process.standing, now, wall)
        match step:
            case Acquire(lease) | Renew(lease):
                self.sent.append(Sent(process, lease, now))
            case Lost():
                self.die(index)
        return step

    def arrive(self, index: int) -> None:
        """One of the writes at the server; its sender may be dead."""
        if waiting := [sent for sent in self.sent if sent.answer is None]:
            sent = waiting[index % len(waiting)]
            sent.answer = self.server.put(sent.lease)
            if sent.answer is None:
                self.sent.remove(sent)

    def answer(self, index: int) -> None:
        """One of the answers at who asked."""
        if answered := [sent for sent in self.sent if sent.answer is not None]:
            sent = answered[index % len(answered)]
            self.sent.remove(sent)
            assert sent.answer is not None
            process = sent.sender
            process.standing = wrote(process.standing, sent.answer, sent_at=sent.sent_at)

    def lose(self, index: int) -> None:
        """A request before, or an answer after its effect."""
        if self.sent:
            self.sent.pop(index % len(self.sent))

    def die(self, index: int) -> None:
        self.processes[index] = self._new(self.processes[index].rate)

    def leave(self, index: int) -> None:
        """By SIGTERM: what has been written is given back, and the process ends."""
        lease = self.server.lease
        if lease is not None and lease.holder == self.processes[index].standing.me:
            self.server.put(released(lease, "t"))
        self.die(index)

    def turn(self, index: int) -> None:
        """One whole try of a process, at which nothing goes wrong."""
        self.read(index)
        self.act(index, "t")
        self.arrive(-1)
        self.answer(-1)

    def one_round(self, seconds: float) -> None:
        """Of everybody."""
        self.time += seconds
        for index in range(len(self.processes)):
            self.turn(index)

    def _new(self, rate: float) -> Process:
        self._born += 1
        return Process(Standing(NAME, f"p{self._born}"), offset=1000.0 * self._born, rate=rate)
