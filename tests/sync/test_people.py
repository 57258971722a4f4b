"""What is kept of people follows the setting, the key and whoever wants to be forgotten."""

# ruff: noqa: S608 - the names of tables are ours

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sync_world import START, World, world

from pipelines.errors import ConfigurationError
from pipelines.people import guard, keys_for
from pipelines.people.forgetting import Receipt, forget
from pipelines.people.rewrite import rewrite
from pipelines.people.rotating import rotate
from pipelines.people.state import recorded
from pipelines.settings import KeySettings, Settings
from pipelines.source.privacy import PersonalData
from pipelines.source.pseudonyms import Keys, key_file
from pipelines.source.values import as_json

#: How the sandbox's people are told, where they are told.
PEOPLE = (b"@example.com", b"+1555", b"Example Street", b'"name":"Customer ')


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that was read with all its people in clear; for copying only."""
    folder = tmp_path_factory.mktemp("full")
    quiet = {"after_start": False}
    with world(folder, 60, options=quiet, personal_data="full", session_ledger=None) as here:
        here.sync()
        yield here


@pytest.fixture
def settings(loaded: World, tmp_path: Path) -> Settings:
    """The settings of a copy of one's own."""
    for path in (loaded.settings.warehouse_path, key_file(loaded.settings.warehouse_path)):
        shutil.copy2(path, tmp_path / path.name)
    return replace(loaded.settings, warehouse_path=tmp_path / "warehouse.duckdb")


def at(here: World, settings: Settings) -> World:
    return replace(here, settings=settings)


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        return connection.execute(sql).fetchall()


def pseudonyms(settings: Settings) -> dict[str, str | None]:
    return dict(query(settings, "select order_id, customer_pseudonym from printora_raw.orders"))


def key_settings(settings: Settings) -> KeySettings:
    return KeySettings(settings.warehouse_path, settings.pseudonym_key, settings.api_key)


def forgotten(settings: Settings, who: str) -> Receipt:
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        receipt = forget(connection, who, keys_for(settings, connection), START)
    rewrite(settings.warehouse_path)
    return receipt


def told(settings: Settings) -> bytes:
    """Return all that can be read in the folder: each file's bytes, and each table's rows."""
    files = [
        path.read_bytes() for path in settings.warehouse_path.parent.rglob("*") if path.is_file()
    ]
    names = query(settings, "select schema_name || '.' || table_name from duckdb_tables()")
    rows = [repr(query(settings, f"from {name}")).encode() for (name,) in names]
    return b"".join([*files, *rows])


def in_clear(settings: Settings) -> list[bytes]:
    everything = told(settings)
    return [part for part in PEOPLE if part in everything]


@pytest.mark.parametrize("rule", ["pseudonymous", "none"])
def test_a_stricter_rule_scrubs_before_the_first_request(
    settings: Settings, rule: PersonalData
) -> None:
    """Whoever was read before the setting was changed would stay in clear, for ever."""
    before = pseudonyms(settings)
    assert in_clear(settings) == list(PEOPLE)
    guard(replace(settings, personal_data=rule, base_url="http://127.0.0.1:9"), START)
    assert in_clear(settings) == []
    after = pseudonyms(settings)
    assert after == (before if rule == "pseudonymous" else dict.fromkeys(before))
    assert query(
        settings, "select count(*), count(country), count(items) from printora_raw.orders"
    ) == [(60, 60, 60)]
    assert not any(
        path.suffix != ".pseudonym-key" and "rewritten" in path.name
        for path in settings.warehouse_path.parent.iterdir()
    )


def test_a_scrub_leaves_the_syncs_own_state(settings: Settings) -> None:
    """dlt keeps its state in a column called `state`, as an order has one: no sync would go on."""
    own = "select * from printora_raw._dlt_pipeline_state order by all"
    before = query(settings, own)
    guard(replace(settings, personal_data="pseudonymous"), START)
    assert query(settings, own) == before != []


def test_a_laxer_rule_says_what_stays(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody would wait for names that are only there for orders read from now on."""
    guard(replace(settings, personal_data="none"), START)
    caplog.clear()
    guard(replace(settings, personal_data="full"), START)
    assert "was none and is full now: rows that are stored stay as they are" in caplog.text
    caplog.clear()
    guard(replace(settings, personal_data="full"), START)
    assert not caplog.text
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        state = recorded(connection)
        assert state is not None
        assert state.personal_data == "full"


def test_pseudonyms_outlive_the_api_key(loaded: World, settings: Settings) -> None:
    """After a rotation of the API key, every customer would count as two."""
    rotated = replace(settings, api_key="sk_test_another", personal_data="pseudonymous")
    assert keys_for(rotated) == keys_for(settings)


def test_an_early_versions_pseudonyms_stay(loaded: World, settings: Settings) -> None:
    """With the update, every customer would count as two."""
    key_file(settings.warehouse_path).unlink()
    old = Keys.of_api_key(settings.api_key)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("drop table printora_raw.privacy_state")
        connection.execute(
            'update printora_raw.orders set extra = \'{"vorname":"Kzqvx"}\', customer_pseudonym ='
            f" '{old.pseudonym('x@y.example')}'"
        )
    privacy = guard(replace(settings, personal_data="pseudonymous"), START)
    assert privacy.keys == old == keys_for(replace(settings, api_key="sk_test_another"))
    assert set(pseudonyms(settings).values()) == {old.pseudonym("x@y.example")}
    assert b"Kzqvx" not in told(settings), "the old deny-list let it in"


def test_a_lost_or_another_key_is_told_before_the_first_request(settings: Settings) -> None:
    """People would get a second pseudonym beside the stored one, and nothing would say so."""
    other = replace(settings, pseudonym_key="o" * 32)
    with pytest.raises(ConfigurationError, match="another key"):
        guard(other, START)
    key_file(settings.warehouse_path).unlink()
    before = query(settings, "from printora_raw.privacy_state")
    privacy = guard(replace(settings, api_key="sk_test_another"), START)
    with pytest.raises(ConfigurationError, match="is not there"):
        privacy.pseudonym("a@example.com")
    assert query(settings, "from printora_raw.privacy_state") == before
    assert not key_file(settings.warehouse_path).exists()


def test_a_warehouse_that_is_moved_without_its_key_goes_on(settings: Settings) -> None:
    """Whoever copies one file and not the other would have every customer twice, or no sync."""
    keys = keys_for(settings)
    rotated = replace(settings, api_key="sk_test_another")
    guard(rotated, START)
    key_file(settings.warehouse_path).unlink()
    assert not guard(settings, START).keys.links, "the copy opens with the last API key alone"
    assert guard(rotated, START).keys == keys == keys_for(settings)


def test_a_rotation_renames_everybody_once(loaded: World, settings: Settings) -> None:
    """A key that got known would open the pseudonyms for ever, or a customer would become two."""
    before, old_keys = pseudonyms(settings), keys_for(settings)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema analytics")
        connection.execute("create table analytics.fct_orders as from printora_raw.orders")
        keys = rotate(connection, key_settings(settings), START)
    rewrite(settings.warehouse_path)
    after = pseudonyms(settings)
    assert keys.version == old_keys.version + 1
    for order_id, old in before.items():
        assert old is not None
        assert after[order_id] == keys.renamed(old, since=1) != old
        assert old.encode() not in settings.warehouse_path.read_bytes()
    assert (
        query(
            settings,
            "from analytics.fct_orders anti join printora_raw.orders using (customer_pseudonym)",
        )
        == []
    )
    at(loaded, settings).sync(full=True)
    assert pseudonyms(settings) == after


def test_a_key_of_the_settings_is_rotated_by_adding_one(settings: Settings) -> None:
    """Who keeps keys in a vault could not rotate them, or would not be told what is missing."""
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        only = KeySettings(settings.warehouse_path, "a" * 32)
        rotate(connection, only, START, lost=True)
        connection.execute("update printora_raw.orders set customer_pseudonym = order_id")
        with pytest.raises(ConfigurationError, match="names no key that is new"):
            rotate(connection, only, START)
        both = replace(settings, pseudonym_key=f"{'a' * 32},{'b' * 32}")
    with pytest.raises(ConfigurationError, match="have not gone through it yet"):
        guard(both, START)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        keys = rotate(connection, key_settings(both), START)
    assert all(new == keys.renamed(old, since=1) for old, new in pseudonyms(both).items())
    assert guard(both, START).keys == keys


def _person(settings: Settings) -> tuple[str, str, set[str]]:
    """Return address and pseudonym of somebody, and the ids of all that tells of them."""
    found = query(
        settings,
        "select customer_pseudonym, any_value(personal ->> '$.customer.email'),"
        " list(order_id) || list(session_id) from printora_raw.orders"
        " group by all having count(*) > 1 order by all limit 1",
    )
    pseudonym, email, ids = found[0]
    return email, pseudonym, set(ids)


@pytest.mark.parametrize("named_by", ["email", "pseudonym", "order"])
def test_a_forgotten_person_stays_forgotten(
    loaded: World, settings: Settings, named_by: str
) -> None:
    """Somebody would still be found in some table, or be back after the next sync."""
    email, pseudonym, ids = _person(settings)
    orders = [order for order in pseudonyms(settings) if order in ids]
    others = {k: v for k, v in pseudonyms(settings).items() if v != pseudonym}
    subject = {"email": email.upper(), "pseudonym": pseudonym, "order": orders[0]}[named_by]
    receipt = forgotten(settings, subject)
    assert receipt.named_by == named_by
    assert receipt.rows["printora_raw.orders"] == len(orders) > 1
    assert receipt.rows["printora_raw.webhook_logs"] > len(orders)
    assert _traces(settings, email, orders) == []
    here = at(loaded, settings)
    here.sync(full=True)
    assert _traces(settings, email, orders) == []
    assert {k: v for k, v in pseudonyms(settings).items() if v} == others
    kept = query(settings, "select named_by, rows from printora_raw.forget_receipts")
    assert kept == [(named_by, as_json(receipt.rows))]


def _traces(settings: Settings, email: str, orders: list[str]) -> list[Any]:
    """Return where somebody still is: their address anywhere, or their places and parcels."""
    found: list[Any] = [email] if email.encode() in told(settings) else []
    listed = ", ".join(f"'{order}'" for order in orders)
    return found + query(
        settings,
        "select order_id, city, state, tracking_number, personal from printora_raw.orders"
        f" where order_id in ({listed})"
        " and coalesce(city, state, tracking_number, customer_pseudonym, personal) is not null",
    )


def test_no_second_copy_stays_behind_a_load(settings: Settings) -> None:
    """Rows would lie in dlt's staging dataset and packages, past every rule on the tables."""
    staging = query(
        settings,
        "select table_name from duckdb_tables() where schema_name = 'printora_raw_staging'"
        " and table_name not like '\\_dlt%' escape '\\' and estimated_size > 0",
    )
    assert staging == []


def test_a_load_leaves_no_packages(loaded: World) -> None:
    """Every row would lie in dlt's folder a second time, for whoever copies that."""
    folder = loaded.settings.warehouse_path.parent
    assert [path for path in folder.rglob("*") if path.suffix == ".parquet"] == []
    assert [path for path in folder.rglob("*.jsonl") if path.name != "ledger.jsonl"] == []
