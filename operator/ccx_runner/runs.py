"""The runs of the main process: one, and a second where a freeze has cut Claude's turn off.

first() -> listen() -> ... the main process ends -> second() -> Child, on the same spool | nothing
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ccx_runner.child import Child, SecondRun
from ccx_runner.frame_types import Stream
from ccx_runner.output import Output
from ccx_runner.prompt import hand_over
from ccx_runner.signals import Listener
from ccx_runner.spawn import spawn
from ccx_runner.stream_json import StreamJsonReader
from ccx_runner.turn import CONTINUE, Resumption, resumption


class Runs:
    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        prompt: bytes | None,
        claude: StreamJsonReader | None,
    ) -> None:
        self.message = ""
        """Why there was no second run, where one was due."""

        self._argv, self._environment, self._prompt = argv, environment, prompt
        self._claude = claude
        self.before_fork: Callable[[], None] = lambda: None
        self._output: Output | None = None
        self._listener: Listener | None = None

    def first(self, *, frozen: bool) -> Child:
        """Raises ExecError."""
        with_stdin = self._prompt is not None
        return spawn(self._argv, self._environment, with_stdin=with_stdin, frozen=frozen)

    def listen(self, child: Child, output: Output, listener: Listener) -> None:
        self._output, self._listener = output, listener
        listener.start()
        self._attach(child, self._prompt)

    def second(self) -> SecondRun | None:
        """Asked once a main process has ended: what it had said by then is taken in first."""
        claude, output = self._claude, self._output
        if claude is None or output is None:
            return None
        output.catch_up()
        turn = claude.turn
        if not (turn.cut_off or (turn.given_up and not claude.result_seen)):
            return None
        how = self._resumption(claude)
        if isinstance(how, Resumption):
            return partial(self._start_second, how, claude)
        claude.not_taken_up()
        self.message = f"a pause had cost it the API connection; its turn is not restarted: {how}"
        return None

    @property
    def may_be_second(self) -> bool:
        """As far as is known by now."""
        return self._claude is not None and isinstance(self._resumption(self._claude), Resumption)

    @property
    def is_held(self) -> bool:
        """Its output is not read, for readers who are behind."""
        return self._output is not None and self._output.is_held

    def _resumption(self, claude: StreamJsonReader) -> Resumption | str:
        return resumption(
            self._argv,
            claude.turn,
            session_id=claude.facts.session_id,
            restarts=claude.facts.restarts,
            by_stdin=self._prompt is not None,
        )

    def _start_second(self, how: Resumption, claude: StreamJsonReader, *, frozen: bool) -> Child:
        assert self._listener is not None
        self.before_fork()
        self._listener.stop()  # no thread may live during a fork
        try:
            child = spawn(how.argv, self._environment, with_stdin=True, frozen=frozen)
        finally:
            self._listener.start()
        self._attach(child, CONTINUE)
        claude.start_again()
        return child

    def _attach(self, child: Child, prompt: bytes | None) -> None:
        """The first run's pipes are read to their end before the second's."""
        assert self._output is not None
        pipes = child.pipes
        self._output.read({Stream.STDOUT: pipes.stdout, Stream.STDERR: pipes.stderr})
        if prompt is not None and pipes.stdin is not None:
            hand_over(prompt, pipes.stdin)
