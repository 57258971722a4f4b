"""Nothing that logs somebody in enters a table; nothing that names a person does unless allowed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.client.wire import decode
from pipelines.clock import ManualClock
from pipelines.sandbox import Behaviour, LedgerOptions, Sandbox, SandboxConfig, WorldOptions
from pipelines.sandbox.answers import Request
from pipelines.sandbox.endpoints import Endpoints
from pipelines.source.parse import Parser, Rejected
from pipelines.source.privacy import Privacy, without_persons, without_secrets

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
#: What the sandbox's people, links and tokens look like.
PERSONAL = ("@example.com", "+1555", "Example Street", "Customer ", "cus_")
SECRET = ("://", "token", "redirect", "payment_url", "paymentUrl")


def rows_as_text(rule: str, behaviour: Behaviour) -> str:
    """Return every row of both lists as it would enter the tables."""
    config = SandboxConfig(world=WorldOptions(orders=40, seed=3), behaviour=behaviour)
    sandbox = Sandbox(config, clock=ManualClock(NOW))
    privacy = Privacy.of(rule, None, "sk_test_key")
    texts = []
    for resource, path, key in (
        ("orders", "/api/v1/partners/partner_demo/orders", "orders"),
        ("webhook_logs", "/api/v1/webhooks/logs", "logs"),
    ):
        answer = Endpoints(sandbox).answer(Request("GET", path, {"limit": "100"}))
        parser = Parser(resource, privacy)
        for record in decode(json.dumps(answer.content).encode())[key]:
            row = parser.parse(record, seen_at=NOW, place="")
            assert not isinstance(row, Rejected)
            texts.append(json.dumps(row, default=str))
    return "\n".join(texts)


@pytest.mark.parametrize("case", ["snake", "camel"])
@pytest.mark.parametrize("payload", ["object", "text"])
@pytest.mark.parametrize("rule", ["none", "pseudonymous"])
def test_no_person_and_no_secret_enters_a_row(rule: str, payload: Any, case: Any) -> None:
    """An address in a warehouse that everybody reads is a breach; so is a link that logs in."""
    text = rows_as_text(rule, Behaviour(payload=payload, case=case))
    assert [part for part in (*PERSONAL, *SECRET) if part in text] == []


def test_the_whole_person_is_kept_where_it_is_allowed() -> None:
    """A setting that does nothing would be found out by its user; a link is still no field."""
    text = rows_as_text("full", Behaviour())
    assert all(part in text for part in PERSONAL[:3])
    assert "://" not in text


def test_pseudonyms_are_one_per_person_and_key() -> None:
    """Returning customers could not be counted, or could be recognised by whoever has a list."""
    one, other = Privacy.of("pseudonymous", "k1", "a"), Privacy.of("pseudonymous", "k2", "a")
    assert one.pseudonym("A@Example.com ") == one.pseudonym("a@example.com")
    assert one.pseudonym("a@example.com") != other.pseudonym("a@example.com")
    assert one.pseudonym("a@example.com") != one.pseudonym("b@example.com")
    assert one.pseudonym(None) is None
    assert one.pseudonym(12) is None
    assert Privacy.of("none", "k1", "a").pseudonym("a@example.com") is None


@pytest.mark.parametrize(
    "name",
    ["redirectUrl", "paymentUrl", "access_token", "Authorization", "apiKey", "signature", "otp"],
)
def test_secrets_go_by_their_names(name: str) -> None:
    """A token that looks like any text is known by its field's name."""
    assert without_secrets({"a": {name: "abc"}, "b": 1}) == {"a": {}, "b": 1}


@pytest.mark.parametrize(
    "value", ["see https://x.example/a?b=c", "sk_live_abc", "Bearer abc.def", "whsec_1"]
)
def test_secrets_go_by_their_looks(value: str) -> None:
    """A link in a free text would log somebody in."""
    assert "[removed]" in without_secrets([value])[0]
    assert without_secrets([value]) != [value]


def test_of_a_person_only_places_stay() -> None:
    """Delivery is analysed by country; nobody needs the street for it."""
    person = {"city": "Berlin", "country": "DE", "zip": "10115", "geo": {"lat": 1, "state": "BE"}}
    assert without_persons({"shippingAddress": person}) == {
        "shippingAddress": {"city": "Berlin", "country": "DE", "geo": {"state": "BE"}}
    }


def test_the_ledgers_links_and_people_stay_out() -> None:
    """A ledger that holds redirect URLs would put logins into the warehouse."""
    import tempfile
    from pathlib import Path

    from pipelines.source.ledger import Ledger

    options = LedgerOptions(user_data=1.0, redirect_url=1.0)
    config = SandboxConfig(world=WorldOptions(orders=30), ledger=options)
    sandbox = Sandbox(config, clock=ManualClock(NOW))
    parser = Parser("sessions", Privacy.of("pseudonymous", None, "sk_test_key"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        sandbox.ledger.write(path)
        assert "://" in path.read_text()
        rows = [entry.parsed_by(parser, NOW) for entry in Ledger(str(path)).entries()]
    text = json.dumps([row for row in rows if isinstance(row, dict)], default=str)
    assert len(rows) > 50
    assert [part for part in ("@", "://", "Customer ") if part in text] == []
