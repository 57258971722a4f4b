"""A lake in a bucket, behind a local server of S3's API: `make lake` installs it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from lake_commands import assert_marts_are_duckdbs, printora

from pipelines.errors import WarehouseLocked
from pipelines.sandbox import Sandbox
from pipelines.warehouse.lake import open_lake
from pipelines.warehouse.lake_lock import writer_lease

pytestmark = pytest.mark.long
SETTING = "DESTINATION__FILESYSTEM__"


@pytest.fixture
def bucket(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket that the settings name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    # In a process of its own: delta-rs holds Python's lock while it waits for an answer.
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, **quiet)
    try:
        _make_bucket(f"http://127.0.0.1:{port}")
        for name, text in {
            "BUCKET_URL": "s3://lake/printora",
            "CREDENTIALS__AWS_ACCESS_KEY_ID": "key",
            "CREDENTIALS__AWS_SECRET_ACCESS_KEY": "secret",
            "CREDENTIALS__REGION_NAME": "us-east-1",
            "CREDENTIALS__ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }.items():
            monkeypatch.setenv(f"{SETTING}{name}", text)
        yield "s3://lake/printora"
    finally:
        server.terminate()
        server.wait()


def _make_bucket(server: str) -> None:
    request = urllib.request.Request(f"{server}/lake", method="PUT")  # noqa: S310 - our own server
    deadline = time.monotonic() + 180  # it takes seconds, and a minute on a busy machine
    while True:
        try:
            urllib.request.urlopen(request).close()  # noqa: S310 - the same
        except OSError:
            assert time.monotonic() < deadline, "moto is missing: `make lake` installs it"
            time.sleep(0.1)  # asking without pause takes the processor from it
        else:
            return


def test_a_bucket_is_loaded_and_built(bucket: str, sandbox: Sandbox) -> None:
    """Broken: what works in a folder does not in a bucket, or its marts are not DuckDB's."""
    printora("sync")
    sandbox.changes.churn(6, 12)
    ran = printora("run", "--json")
    assert ran["sync"]["outcome"] == "complete"
    lake = open_lake(bucket)
    assert_marts_are_duckdbs(lake)
    assert printora("status", "--json")["todo"] == "Nothing."
    assert printora("compact", "--keep-hours", "0", "--json")["tables"]
    assert not lake.files.exists(f"{lake.root}/_printora_build")


def test_one_of_two_writers_has_the_bucket(bucket: str) -> None:
    """Broken: two runs on two machines write at a time, and the older one's rows win."""
    lake, entered, refused = open_lake(bucket), threading.Barrier(2), list[str]()

    def second() -> None:
        entered.wait()
        try:
            with writer_lease(open_lake(bucket), timeout=-1):
                pass
        except WarehouseLocked as error:
            refused.append(str(error))

    thread = threading.Thread(target=second)
    thread.start()
    with writer_lease(lake):
        entered.wait()
        thread.join()
    assert len(refused) == 1
    with writer_lease(lake, timeout=0) as lease:
        lease.check()
