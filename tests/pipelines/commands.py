"""The command line in processes of their own, forked from one that has imported its libraries.

A night imports Dagster, dbt and Evidently, which takes as long as a fifth of it. The parent only imports and forks: it
starts no thread, opens no file and reads no setting, so a child is what a new process is.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipelines.settings import CHECKOUT

LIBRARIES = (
    "pipelines.cli",
    "pipelines.console",
    "pipelines.replay",
    "pipelines.run",
    "dbt.adapters.duckdb.connections",
    "dbt.cli.main",
    "evidently.presets",
)
# A night of a small portfolio takes about a minute. One that waits for what never comes must fail by itself.
PATIENCE = 600


@dataclass(frozen=True)
class Done:
    """How a command ended; the code is negative where a signal ended it."""

    code: int
    stdout: str
    stderr: str


class Commands:
    """Runs `anchorwatch` on homes; one command at a time."""

    def __init__(self, folder: Path) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        self._parent = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # what a buffer has read already, no wait for the pipe would see
            bufsize=0,
        )

    def run(self, home: Path, *arguments: str) -> Done:
        """Run a command to its end."""
        self._start(home, arguments)
        return self._ended()

    def kill(self, home: Path, *arguments: str, when: Callable[[], bool]) -> Done:
        """Run a command and kill it, with all that it started, when the moment has come."""
        process = self._start(home, arguments)
        deadline = time.monotonic() + PATIENCE
        while not (came := when()) and time.monotonic() < deadline:
            assert not self._says_something(0), f"ended before the moment came: {self._ended()}"
            time.sleep(0.01)
        os.killpg(process, signal.SIGKILL)
        done = self._ended()
        assert came, f"the moment never came: {done}"
        return done

    def close(self) -> None:
        """End the parent."""
        self._parent.kill()
        self._parent.wait()

    def _start(self, home: Path, arguments: tuple[str, ...]) -> int:
        assert self._parent.stdin is not None
        request = {"home": str(home), "arguments": arguments, "stdout": str(self._out), "stderr": str(self._err)}
        self._parent.stdin.write(json.dumps(request).encode() + b"\n")
        return self._answer()

    def _ended(self) -> Done:
        code = self._answer()
        return Done(code, self._out.read_text(), self._err.read_text())

    def _answer(self) -> int:
        assert self._parent.stdout is not None
        assert self._says_something(PATIENCE), f"no end after {PATIENCE} s: {self._err.read_text()}"
        return int(self._parent.stdout.readline())

    def _says_something(self, seconds: float) -> bool:
        return bool(select.select([self._parent.stdout], [], [], seconds)[0])


def serve() -> None:
    """Fork a child for each request of standard input; answer with its process number, then with its exit code."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(**request)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(home: str, arguments: list[str], stdout: str, stderr: str) -> None:
    from pipelines.cli import main

    os.setsid()
    os.environ.update({"ANCHORWATCH_HOME": home, "COLUMNS": "160"})
    for name, number in ((os.devnull, 0), (stdout, 1), (stderr, 2)):
        os.dup2(os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = ["anchorwatch", *arguments]
    main()
