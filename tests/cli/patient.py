"""Runs that fail only after a while: they wait while their worker has something else to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cli_support import Place, answering

from pipelines.sandbox import Sandbox, SandboxConfig, WorldOptions

_HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reading")
print("held", flush=True)
sys.stdin.read()
"""


Contents = Mapping[str, tuple[int, int]]
Completed = subprocess.CompletedProcess[str]


class _Page(BaseHTTPRequestHandler):
    """What a hotel's network answers in the API's place."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Please accept our terms</html>")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def held(warehouse: Path, how: str = "writing") -> Iterator[int]:
    """Let another process have the DuckDB file open; its id."""
    command = [sys.executable, "-c", _HOLD, str(warehouse), how]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "held\n"
        yield holder.pid
        holder.stdin.close()


def has_failed(place: Place, before: Contents, done: Completed, code: int, *texts: str) -> None:
    """Assert that a run failed with that code, said these texts, and touched no table."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    # The paragraph comes last, after what was told on the way.
    paragraph = done.stderr.rstrip("\n").splitlines()[-1]
    assert paragraph.startswith("Error: ")
    assert "Traceback" not in done.stderr
    for text in texts:
        assert text in paragraph
    assert place.contents() == before
    assert before["printora_raw.orders"][0], "a comparison of empty tables shows nothing"


@pytest.fixture(scope="session")
def patient(
    tmp_path_factory: pytest.TempPathFactory, loaded_once: Place
) -> Iterator[dict[str, Callable[..., None]]]:
    """Runs that ask again, or wait, for a third of a minute before they fail.

    One worker begins them before it tries other things, and asks about them at last.
    """
    places = {}
    for name in ("nobody", "page", "envelope", "held"):
        places[name] = Place(tmp_path_factory.mktemp(name), loaded_once.settings)
        shutil.copyfile(loaded_once.warehouse, places[name].warehouse)
    before = loaded_once.contents()
    odd = Sandbox(SandboxConfig(world=WorldOptions(orders=10)))
    odd.set_faults(chances={"wrong_envelope": 1.0})
    with (
        answering(_Page) as address,
        odd.serve() as server,
        ExitStack() as holder,
        ThreadPoolExecutor() as pool,
    ):
        pid = holder.enter_context(held(places["held"].warehouse))

        def begin(name: str, command: str, **changes: str) -> Callable[..., None]:
            done = pool.submit(places[name].run, command, **changes)
            begun.append(done)
            return lambda *texts: has_failed(places[name], before, done.result(), 1, *texts)

        def asked_of(run: Callable[..., None]) -> Callable[..., None]:
            def asked() -> None:
                wait(begun)
                holder.close()
                run(str(pid))

            return asked

        begun: list[Future[Completed]] = []
        yield {
            "nobody": begin("nobody", "run", base_url="http://127.0.0.1:9"),
            "page": begin("page", "run", base_url=address),
            "envelope": begin("envelope", "run", base_url=server.base_url),
            "held": asked_of(begin("held", "run")),
            "status of held": asked_of(begin("held", "status")),
        }
