"""Nothing that logs somebody in enters a table; nothing that names a person does unless allowed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from people_records import GUARDED, MARKS, SECRET, TEXT, log, order, tree
from thorough import THOROUGH

from pipelines.client.wire import decode
from pipelines.clock import ManualClock
from pipelines.sandbox import Behaviour, LedgerOptions, Sandbox, SandboxConfig, WorldOptions
from pipelines.sandbox.answers import Request
from pipelines.sandbox.endpoints import Endpoints
from pipelines.source.allowed import KINDS
from pipelines.source.columns import ColumnParser
from pipelines.source.parse import SHAPES, Parser, Rejected, Row
from pipelines.source.privacy import PersonalData, Privacy, without_secrets
from pipelines.source.pseudonyms import Keys

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEYS = Keys.new()
#: What the sandbox's people, links and tokens look like.
PERSONAL = ("@example.com", "+1555", "Example Street", "Customer ", "cus_")
LINKS = ("://", "token", "redirect", "payment_url", "paymentUrl")


def rows_as_text(rule: PersonalData, behaviour: Behaviour) -> str:
    """Return every row of both lists as it would enter the tables."""
    config = SandboxConfig(world=WorldOptions(orders=40, seed=3), behaviour=behaviour)
    sandbox = Sandbox(config, clock=ManualClock(NOW))
    privacy = Privacy(rule, KEYS)
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
def test_no_person_and_no_secret_enters_a_row(rule: PersonalData, payload: Any, case: Any) -> None:
    """An address in a warehouse that everybody reads is a breach; so is a link that logs in."""
    text = rows_as_text(rule, Behaviour(payload=payload, case=case))
    assert [part for part in (*PERSONAL, *LINKS) if part in text] == []


def test_the_whole_person_is_kept_where_it_is_allowed() -> None:
    """A setting that does nothing would be found out by its user; a link is still no field."""
    text = rows_as_text("full", Behaviour())
    assert all(part in text for part in PERSONAL[:3])
    assert "://" not in text


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


def kept(value: Any, rule: PersonalData = "pseudonymous") -> Any:
    return Privacy(rule, KEYS).kept(value)


@pytest.mark.parametrize("rule", GUARDED)
@settings(deadline=None, max_examples=60 if THOROUGH else 25)
@given(random=st.randoms(use_true_random=False))
def test_no_leaf_that_is_not_on_the_list_enters_a_row(rule: PersonalData, random: Random) -> None:
    """What the list does not name would be in clear: any name, any depth, any type, any key."""
    privacy = Privacy(rule, KEYS)
    rows: list[Row] = []
    for resource, record in (
        ("orders", order(random, 1)),
        ("webhook_logs", log(random, 1)),
        ("sessions", order(random, 1)),
        ("orders", {**order(random, 1), "total_amount": f"as told by {TEXT}"}),
    ):
        parsed = Parser(resource, privacy).parse(record, seen_at=NOW, place="")
        rows.append(parsed.row(NOW) if isinstance(parsed, Rejected) else parsed)
        bulk = ColumnParser(Parser(resource, privacy), fewest=1).parse_columns([record], [NOW], str)
        rows += [*bulk.table.to_pylist(), {"issues": [str(issue) for issue in bulk.issues]}]
    text = json.dumps(rows, default=str)
    assert [mark for mark in (*MARKS, SECRET) if mark in text] == []


@settings(deadline=None, max_examples=60 if THOROUGH else 25)
@given(random=st.randoms(use_true_random=False), rule=st.sampled_from(["none", "pseudonymous"]))
def test_what_was_kept_once_is_kept(random: Random, rule: PersonalData) -> None:
    """A stored row that is scrubbed again would change, and a list row differ from its event."""
    once = kept(tree(random), rule)
    assert kept(once, rule) == once
    assert kept(json.loads(json.dumps(once, default=float)), rule) == json.loads(
        json.dumps(once, default=float)
    )


def test_an_unknown_field_keeps_its_name_and_type() -> None:
    """A field that the vendor adds tomorrow would be lost until somebody notices."""
    said = {
        "giftMessage": "Happy birthday!",
        "risk": Decimal("0.1"),
        "vip": True,
        "delivery": {"country": "DE", "floor": 3, "slots": ["am", "pm", 7]},
        "a@example.com": {"sku": "MUG"},
        "since": None,
    }
    assert kept(said) == {
        "giftMessage": "<text>",
        "risk": "<number>",
        "vip": "<true/false>",
        "delivery": {"country": "<text>", "floor": "<number>", "slots": ["<text>", "<number>"]},
        "<name>": {"sku": "<text>"},
        "since": None,
    }


def test_what_the_models_read_is_kept() -> None:
    """Revenue by creator, campaigns and delivery times would be empty."""
    said = {
        "items": [{"sku": "MUG-11", "quantity": 2, "unitPrice": Decimal("14.95")}],
        "creator": {"id": "crt_012"},
        "metadata": {"utm_source": "newsletter", "utm_campaign": "spring sale 2026"},
        "data": {"carrier": "Royal Mail", "shippingAddress": {"country": "GB", "city": "London"}},
        "is_test": False,
        "updated_at": "2026-05-01T10:00:00Z",
    }
    assert kept(said) == said
    assert kept(said, "none") == said | {
        "metadata": {"utm_source": "<text>", "utm_campaign": "<text>"}
    }


def test_every_field_that_is_parsed_from_a_payload_is_on_the_list() -> None:
    """An event would lose what the list shows of its order, and each order would look changed."""
    people = {part for shape in SHAPES.values() for part in shape.person}
    names = {
        part
        for shape in SHAPES.values()
        for paths in shape.names.values()
        for path in paths
        for part in path.split(".")
    }
    assert names - people - KINDS.keys() == set()


def test_no_name_on_the_list_is_a_secrets() -> None:
    """A line of the list would be dead, or a secret would be taken for an id."""
    assert without_secrets(dict.fromkeys(KINDS, 1)) == dict.fromkeys(KINDS, 1)


@pytest.mark.parametrize("name", ["customer", "shippingAddress", "user"])
def test_of_a_person_only_places_stay(name: str) -> None:
    """Delivery is analysed by country; nobody needs the street for it."""
    person = {"city": "Berlin", "country": "DE", "zip": "10115", "id": 7, "status": "vip"}
    marks = {"zip": "<text>", "id": "<number>", "status": "<text>"}
    assert kept({name: person}) == {name: {"city": "Berlin", "country": "DE"} | marks}


@pytest.mark.parametrize(
    ("column", "text", "stays"),
    [
        ("city", "San Fernando del Valle de Catamarca", True),
        ("city", "Hà Nội", True),
        ("city", "दिल्ली", True),
        ("city", "Île-de-France", True),
        ("country", "United Kingdom of Great Britain and Northern Ireland", True),
        ("carrier", "DHL Paket 2", True),
        ("city", "please leave it with the neighbour", False),
        ("city", "Berlin, Tel. 0170 1234567", False),
        ("carrier", "ring twice! Anna", False),
        ("state", "<script>", False),
    ],
)
def test_a_sentence_is_no_place(column: str, text: str, stays: bool) -> None:
    """Somebody's words would be in the one column of an address that everybody reads."""
    privacy = Privacy("pseudonymous", KEYS)
    assert privacy.text(column, text) == (text if stays else "<text>")


def test_bad_records_stay_apart() -> None:
    """Two bad records that differ in what is not kept would count as one."""
    parser = Parser("orders", Privacy("pseudonymous", KEYS))
    bad = [parser.parse({"note": text}, seen_at=NOW, place="") for text in ("a", "b", "a")]
    ids = [part.row(NOW)["quarantine_id"] for part in bad if isinstance(part, Rejected)]
    assert ids[0] == ids[2] != ids[1]


def test_the_ledgers_links_and_people_stay_out() -> None:
    """A ledger that holds redirect URLs would put logins into the warehouse."""
    import tempfile
    from pathlib import Path

    from pipelines.source.ledger import Ledger

    options = LedgerOptions(user_data=1.0, redirect_url=1.0)
    config = SandboxConfig(world=WorldOptions(orders=30), ledger=options)
    sandbox = Sandbox(config, clock=ManualClock(NOW))
    parser = Parser("sessions", Privacy("pseudonymous", KEYS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        sandbox.ledger.write(path)
        assert "://" in path.read_text()
        rows = [entry.parsed_by(parser, NOW) for entry in Ledger(str(path)).entries()]
    text = json.dumps([row for row in rows if isinstance(row, dict)], default=str)
    assert len(rows) > 50
    assert [part for part in ("@", "://", "Customer ") if part in text] == []
