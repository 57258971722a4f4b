"""What somebody is called or said gets into no column, and into no message, by any way."""

from __future__ import annotations

from typing import Any

import duckdb
import httpx
import pytest
from hostile_run import Middle, Partner

from pipelines.source.privacy import PersonalData

MARK = "Kzqvx"
SENTENCES = (
    f"for Frau {MARK}, second floor",
    f"{MARK} and Erika said that they are out on Friday",
    f"{MARK}@example.com",
    f"https://example.com/{MARK}?token=1",
    f"Tel. 0170 8675309 {MARK}",
    f"{MARK}%40example.com",
    f"{MARK}\uff20example.com",
    f"{MARK} (at) example.com",
    f"<b>{MARK}</b>",
    f'{{"{MARK}": "{MARK}"}}',
    f"ghp_{MARK}0123456789",
    f"tok_{MARK}0123456789",
)
TEXTS = {
    "orders": ("order_number", "status", "currency", "tracking_number", "payment_method"),
    "logs": ("event", "status", "currency"),
}
PLACES = ("carrier", "country", "state", "city")


def _everywhere(sentence: str) -> Middle:
    """Answer with a sentence in the place of each word, and as the name of fields."""

    def middle(_: httpx.Request, ask: Any) -> httpx.Response:
        said = ask()
        name = "orders" if "orders" in said else "logs"
        for row in said[name]:
            row.update(dict.fromkeys(TEXTS[name], sentence))
            row.update(
                {
                    sentence: sentence,
                    "shipping_address": dict.fromkeys(PLACES, sentence),
                    "payload": {
                        "event": sentence,
                        "data": {"status": sentence, "currency": sentence},
                    },
                    "response_status": sentence,
                    "total_amount": sentence,
                    "created_at": sentence,
                    "attempts": sentence,
                }
            )
        return httpx.Response(200, json=said)

    return middle


@pytest.mark.parametrize("rule", ["none", "pseudonymous"])
@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_column_takes_a_sentence(sentence: str, rule: PersonalData) -> None:
    """A shop that writes to its customers in the status has their names in every mart."""
    with duckdb.connect() as connection:
        here = Partner(connection, personal_data=rule)
        ended = here.run(_everywhere(sentence))
        assert ended.code == 3  # so many damaged rows are not complete
        assert len(here.stored("orders")) == 60
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        for (table,) in tables:
            rows = connection.execute(f"from printora_raw.{table}").fetchall()
            assert MARK.lower() not in repr(rows).lower(), table
        assert MARK not in ended.told


@pytest.mark.parametrize("parcel", ["1Z 999 AA1 01 2345 6784", "JD014600003SE", "PR-0-100994"])
def test_a_number_in_groups_is_kept(parcel: str) -> None:
    """No parcel of a carrier that writes its numbers in groups can be looked up."""

    def middle(_: httpx.Request, ask: Any) -> httpx.Response:
        said = ask()
        for row in said.get("orders", ()):
            row.update(tracking_number=parcel, order_number=parcel)
        return httpx.Response(200, json=said)

    with duckdb.connect() as connection:
        here = Partner(connection)
        assert here.run(middle).code == 0
        rows = here.stored("orders").values()
        assert {(row["tracking_number"], row["order_number"]) for row in rows} == {(parcel, parcel)}


@pytest.mark.parametrize(
    "body",
    [
        '{"orders": [{"order_id": "a", "%(name)s": 1, "%(name)s": 2}], "total": 1, "logs": []}',
        '{"%(name)s": [], "%(name)s": []}',
        '{"%(name)s": {"list": []}}',
        '{"success": false, "error": "%(name)s"}',
    ],
)
def test_no_name_of_a_field_is_shown_that_may_be_somebodys(body: str) -> None:
    """An API that answers with people as keys writes them into the log of every run."""
    with duckdb.connect() as connection:
        here = Partner(connection)
        text = body % {"name": f"{MARK} Mustermann, 0170 8675309, a@b.de"}
        ended = here.run(lambda *_: httpx.Response(200, content=text))
        assert ended.code in (0, 1, 3)
        if '"error"' not in body:  # the API's own words are for the operator
            assert MARK not in ended.told
        for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
            rows = connection.execute(f"from printora_raw.{table}").fetchall()
            assert MARK not in repr(rows), table
