"""The commands, where PostgreSQL is the destination."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import PLENTY, served_settings
from postgres_support import asked
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.sandbox import Behaviour, Sandbox, SandboxConfig, WorldOptions
from pipelines.warehouse import load_project

pytestmark = pytest.mark.xdist_group("postgres")
Command = Callable[..., Any]


@pytest.fixture
def sandbox() -> Sandbox:
    """A partner's API."""
    config = SandboxConfig(
        world=WorldOptions(orders=150, after_start=False, attempt_failure=0.2),
        behaviour=Behaviour(fields="full"),
        limits=PLENTY,
    )
    return Sandbox(config)


@pytest.fixture
def printora(
    tmp_path: Path, url: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """Run a command in an empty folder; ``code`` is what it must end with."""
    with sandbox.serve() as server:
        settings = {
            **served_settings(sandbox, server, tmp_path),
            "SOURCES__PRINTORA__REPORT_TIME_ZONE": "America/New_York",
            "DESTINATION_TYPE": "postgres",
            "DESTINATION__POSTGRES__CREDENTIALS": url,
            "DLT_DATA_DIR": str(tmp_path / "dlt"),
        }
        for name, text in settings.items():
            monkeypatch.setenv(name, text)
        monkeypatch.chdir(tmp_path)

        def run(*arguments: str, code: int = 0) -> Any:
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code == code, done.output
            return json.loads(done.stdout) if "--json" in arguments else done.output

        yield run


def test_the_commands_work(printora: Command, url: str, tmp_path: Path) -> None:
    """Broken: what is said to work on PostgreSQL refuses there, or says something else."""
    ran = printora("run", "--json")
    assert len(ran["models"]) == len(load_project().models)
    assert ran["funnel"]["steps"][0]["sessions"] > 50
    status = printora("status", "--json")
    assert status["complete_as_of"]
    assert status["todo"] == "Nothing."
    assert status["warehouse"].startswith("postgresql://printora@")
    assert "as of" in printora("status")
    assert ran["sync"]["sync_id"] in printora("certificates", "list")
    answer = printora(
        "query",
        "select count(*) as n, sum(total_amount) as m from analytics.fct_orders -- all;",
        "-f",
        "json",
    )
    ((count, amount),) = asked(url, "select count(*), sum(total_amount) from printora_raw.orders")
    assert json.loads(answer) == [{"n": count, "m": float(amount)}]
    assert "no such" not in printora("query", "delete from printora_raw.orders", code=2)
    compared = printora("compare", "--json")
    assert compared["checks_that_differ"] == []
    assert {m["model"]: m["example"] for m in compared["models"] if m["differing"]} == {}
    assert sum(m["rows"] for m in compared["models"]) > 2_000
    assert "Metrics" in printora("metrics")
    printora("report", "--output", "report.html")
    assert "of sessions paid" in (tmp_path / "report.html").read_text()
    assert "PostgreSQL 1" in printora("doctor")
    assert "is one of all models" in printora("build", "--select", "fct_orders", code=2)
    assert not list(tmp_path.glob("*.duckdb"))


def test_another_order_is_refused_before_the_first_request(
    printora: Command, sandbox: Sandbox, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: everything is loaded, and then the build says that the database cannot be used."""
    asked(
        server,
        "create database other_order template template0 locale_provider icu icu_locale 'en-US'",
    )
    other = server.replace("/postgres?", "/other_order?")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", other)
    for command in ("run", "sync"):
        assert "sorts texts in another order" in " ".join(printora(command, code=2).split())
    assert sandbox.requests.count == 0
    assert asked(other, "select 1 from pg_namespace where nspname = 'printora_raw'") == []


@pytest.mark.parametrize(
    ("given", "said", "code"),
    [
        ("/nosuch?", 'database "nosuch" does not exist. Check host', 1),
        ("mysql://", "is no URL of PostgreSQL. Write it like postgresql://", 2),
    ],
)
def test_a_wrong_address_is_named(
    printora: Command, url: str, given: str, said: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: the driver's words run into ours, or are all that is said."""
    other = re.sub(r"/test_\w+\?", given, url) if given.startswith("/") else given
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", other)
    assert said in " ".join(printora("sync", code=code).split())


def test_a_withdrawn_certificate_is_proven_anew(printora: Command) -> None:
    """Broken: what somebody took back is trusted again by the next sync."""
    first, second = (printora("sync", "--json")["sync"] for _ in range(2))
    taken = printora("certificates", "withdraw", first["sync_id"], "--json")
    assert {row["sync_id"] for row in taken["certificates"]} == {
        first["sync_id"],
        second["sync_id"],
    }
    status = printora("status", "--json", code=3)
    assert status["complete_as_of"] is None
    assert "withdrawn" in str(status["certificates"])
    again = printora("sync", "--json")["sync"]["resources"]
    assert again["orders"]["evidence"] == "whole walk"
    assert again["sessions"]["rows_read"] == again["sessions"]["rows_reported"]
    assert (
        first["sync_id"] in printora("certificates", "list", "--json")["certificates"][-1].values()
    )


def test_a_person_is_forgotten(printora: Command, url: str) -> None:
    """Broken: who asked to be forgotten is still there: raw, in a mart, or once read again."""
    printora("run")
    ((order, pseudonym),) = asked(
        url,
        "select order_id, customer_pseudonym from printora_raw.orders"
        " where customer_pseudonym is not null order by order_id limit 1",
    )
    receipt = printora("forget", order, "--json")["receipt"]
    assert receipt["rows"]["printora_raw.orders"] >= 1
    for again in (False, True):
        if again:
            printora("run", "--full")
        for table in ("printora_raw.orders", "printora_raw.sessions", "analytics.fct_orders"):
            query = f"select count(*) from {table} t where t::text like %s"  # noqa: S608 - our own
            assert asked(url, query, [f"%{pseudonym}%"]) == [(0,)], (table, again)
    assert asked(url, "select count(*) from printora_raw.forget_receipts") == [(1,)]


def test_pseudonyms_get_another_key_and_go(
    printora: Command, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: pseudonyms stay those of a key that got known, or stay under a stricter rule."""
    people = "select order_id, customer_pseudonym from printora_raw.orders order by 1"
    printora("sync")
    before = dict(asked(url, people))
    printora("rotate-pseudonyms")
    after = dict(asked(url, people))
    assert {k for k, v in after.items() if v} == {k for k, v in before.items() if v}
    assert not {v for v in after.values() if v} & {v for v in before.values() if v}
    printora("sync", "--full")
    assert dict(asked(url, people)) == after
    monkeypatch.setenv("SOURCES__PRINTORA__PERSONAL_DATA", "none")
    printora("sync")
    assert set(dict(asked(url, people)).values()) == {None}
