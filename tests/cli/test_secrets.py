"""The key, and the URLs that log somebody in, are in nothing that a run leaves or prints."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from pathlib import Path

from cli_support import PLENTY, SECRET, Place, answering, everything, served_settings

from pipelines.sandbox import DEFAULT_KEY, LedgerOptions, Sandbox, SandboxConfig, WorldOptions


class _Echo(BaseHTTPRequestHandler):
    """A proxy that shows the request's headers to whoever reads its error."""

    def do_GET(self) -> None:
        body = f'{{"success": false, "error": {{"message": "{self.headers["Authorization"]}"}}}}'
        self.send_response(400)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


def test_no_secret_is_in_anything_that_a_run_leaves_or_prints(tmp_path: Path) -> None:
    """Broken: a ledger with login URLs, or an order with its payment URL, is loaded as it is."""
    config = SandboxConfig(
        world=WorldOptions(orders=200), limits=PLENTY, ledger=LedgerOptions(redirect_url=1.0)
    )
    sandbox = Sandbox(config)
    ledger, folder = tmp_path / "partner", tmp_path / "run"
    ledger.mkdir()
    folder.mkdir()
    with sandbox.serve() as server:
        place = Place(folder, served_settings(sandbox, server, ledger))
        done = [place.run("run"), place.run("sync", "--json"), place.run("status", "--json")]
    assert SECRET.search((ledger / "sessions.jsonl").read_bytes()), "there was nothing to keep out"
    for process in done:
        assert process.returncode == 0, process.stderr
        assert not SECRET.search((process.stdout + process.stderr).encode())
    assert [name for name, content in everything(folder) if SECRET.search(content)] == []


def test_a_key_that_an_answer_echoes_is_not_printed(place: Place) -> None:
    """Broken: an error quotes what the server said, and the server said the key."""
    with answering(_Echo) as url:
        for options in ((), ("--traceback",)):
            done = place.run(*options, "run", base_url=url)
            assert done.returncode == 1
            assert "400" in done.stderr
            assert DEFAULT_KEY not in done.stdout + done.stderr
