"""The sandbox as a whole: a Printora on loopback, in a thread or for as long as it is wanted."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from pipelines.clock import Clock
from pipelines.errors import PrintoraError
from pipelines.sandbox.answers import Request
from pipelines.sandbox.backend import Backend
from pipelines.sandbox.config import SandboxConfig
from pipelines.sandbox.control import Control
from pipelines.sandbox.gate import Gate
from pipelines.sandbox.prompt_server import PromptServer
from pipelines.sandbox.record import Record

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """A sandbox that is being served."""

    base_url: str


class Sandbox(Backend):
    """A Printora stand-in. Everything of ``Backend`` can be used while it is served."""

    def __init__(self, config: SandboxConfig | None = None, clock: Clock | None = None) -> None:
        super().__init__(config or SandboxConfig(), clock)
        self._gate = Gate(self)
        control = Control(self, self._gate.record)
        self.app = Starlette(
            routes=[Mount("/sandbox", routes=control.routes()), Mount("/", app=self._gate)],
            lifespan=self._lifespan,
        )

    @property
    def requests(self) -> Record:
        """What was asked of the vendor's paths."""
        return self._gate.record

    @property
    def before_request(self) -> Callable[[Request], None] | None:
        """Called before each request to the vendor's paths; settable."""
        return self._gate.before_request

    @before_request.setter
    def before_request(self, hook: Callable[[Request], None] | None) -> None:
        self._gate.before_request = hook

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[Server]:
        """Serve in a thread until the block ends. Port 0: any that is free."""
        with _listening(port) as listener:
            server = PromptServer(self._uvicorn_config())
            thread = threading.Thread(
                target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True
            )
            thread.start()
            try:
                _wait_until_up(server, thread)
                yield Server(_url(listener))
            finally:
                server.end()
                thread.join()

    def run_forever(self, port: int = 0, ready: Callable[[Server], None] | None = None) -> None:
        """Serve until Ctrl-C or SIGTERM. ``ready`` is called with the address first."""
        server = uvicorn.Server(self._uvicorn_config())
        with _listening(port) as listener, _ended_by_signals(server):
            if ready is not None:
                ready(Server(_url(listener)))
            if not server.should_exit:
                server.run(sockets=[listener])

    def _uvicorn_config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app,
            log_config=None,
            # A cut connection is an error to uvicorn, and what the sandbox is asked for.
            log_level="critical",
            access_log=False,
            # The server's clock is the world's, so that is what `Date` has to tell.
            date_header=False,
            server_header=False,
            # A client that waits for its quota keeps its connection.
            timeout_keep_alive=120,
            timeout_graceful_shutdown=1,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Any) -> Any:
        """Keep the partner's list of sessions up to date while the sandbox is served."""
        del app
        path = self.config.ledger_path
        if path is None:
            yield
            return
        await asyncio.to_thread(self.ledger.write, path)
        task = asyncio.create_task(self._keep_ledger())
        yield
        task.cancel()
        await asyncio.to_thread(self.ledger.write, path)

    async def _keep_ledger(self) -> None:
        while self.config.ledger_path is not None:
            await asyncio.sleep(self.config.ledger_every)
            await asyncio.to_thread(self.ledger.write, self.config.ledger_path)


@contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """End in order from the first moment that anybody knows the address.

    uvicorn listens for signals only while it runs, and hands them on when it has ended. A shell
    that starts a process in the background lets it ignore Ctrl-C: whoever sends it means it.
    """

    def end(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Open the socket first, so that the port is known and a taken one is told plainly."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise PrintoraError(
                f"The sandbox cannot listen on port {port}: {error.strerror}.",
                hint="Choose another port, or 0 for any that is free.",
            ) from error
        listener.listen(128)
        yield listener


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def _wait_until_up(server: uvicorn.Server, thread: threading.Thread) -> None:
    while not server.started:
        if not thread.is_alive():
            raise PrintoraError("The sandbox's server did not start.")
        time.sleep(0.005)
