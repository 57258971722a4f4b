"""The settings: from the environment and from TOML, and refused with the name of what is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from pipelines.client.wire import V1_0, V1_1
from pipelines.errors import ConfigurationError
from pipelines.settings import HOSTS, Settings, load_settings, model_settings, warehouse_path

Setter = Callable[..., None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Start in an empty folder, without a setting of this machine."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "DESTINATION__")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.chdir(tmp_path)
    Container()[PluggableRunContext].reload()
    yield tmp_path
    monkeypatch.undo()
    Container()[PluggableRunContext].reload()


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Setter:
    """Set `SOURCES__PRINTORA__…`; None takes a setting away."""

    def put(**values: str | None) -> None:
        for name, value in values.items():
            variable = f"SOURCES__PRINTORA__{name.upper()}"
            if value is None:
                monkeypatch.delenv(variable, raising=False)
            else:
                monkeypatch.setenv(variable, value)

    put(api_key="sk_live_1", partner_id="p1")
    return put


def toml(folder: Path, name: str, text: str) -> None:
    (folder / ".dlt").mkdir(exist_ok=True)
    (folder / ".dlt" / name).write_text(text)
    Container()[PluggableRunContext].reload_providers()


def test_two_settings_are_enough(env: Setter, folder: Path) -> None:
    """The real API in three lines would need more than three."""
    assert load_settings() == Settings(
        api_key="sk_live_1",
        partner_id="p1",
        base_url="https://api.printora.ai",
        contract=V1_0,
        warehouse_path=folder / "printora.duckdb",
    )


@pytest.mark.parametrize(
    ("set_", "named"),
    [
        ({}, "SOURCES__PRINTORA__API_KEY and SOURCES__PRINTORA__PARTNER_ID are not set"),
        ({"api_key": "sk_live_1"}, "SOURCES__PRINTORA__PARTNER_ID is not set"),
        ({"partner_id": "p1"}, "SOURCES__PRINTORA__API_KEY is not set"),
        ({"partner_id": "p1", "api_key": "  "}, "SOURCES__PRINTORA__API_KEY is not set"),
    ],
)
def test_what_is_missing_is_named_all_at_once(
    env: Setter, set_: dict[str, str], named: str
) -> None:
    """The user would mend one setting, run, and be told of the next."""
    env(**({"api_key": None, "partner_id": None} | set_))
    with pytest.raises(ConfigurationError, match=named) as caught:
        load_settings()
    assert caught.value.exit_code == 2
    assert "printora demo" in caught.value.hint


def test_toml_is_as_good_as_the_environment(env: Setter, folder: Path) -> None:
    """Configuration is dlt's own: a user of dlt puts it where dlt looks."""
    env(api_key=None, partner_id=None)
    toml(folder, "secrets.toml", '[sources.printora]\napi_key = "sk_test_1"\npartner_id = 77\n')
    toml(
        folder,
        "config.toml",
        '[sources.printora]\nenvironment = "staging"\napi_version = "1.1"\nreserve_share = 0.5\n'
        'session_ledger = "ledger/*.jsonl"\n[destination.duckdb]\ncredentials = "w/x.duckdb"\n',
    )
    settings = load_settings()
    assert (settings.api_key, settings.partner_id) == ("sk_test_1", "77")
    assert (settings.base_url, settings.contract) == (HOSTS["staging"], V1_1)
    assert (settings.reserve_share, settings.session_ledger) == (0.5, "ledger/*.jsonl")
    assert settings.warehouse_path == folder / "w" / "x.duckdb"


def test_the_environment_wins_over_toml(env: Setter, folder: Path) -> None:
    """A key that is set for one run would be ignored in favour of the file's."""
    toml(folder, "secrets.toml", '[sources.printora]\napi_key = "sk_live_2"\npartner_id = "p2"\n')
    assert (load_settings().api_key, load_settings().partner_id) == ("sk_live_1", "p1")


@pytest.mark.parametrize(
    ("key", "environment", "fits"),
    [
        ("sk_live_1", "production", True),
        ("pk_live_1", "production", True),
        ("sk_test_1", "production", False),
        ("pk_test_1", "production", False),
        ("sk_test_1", "staging", True),
        ("sk_live_1", "staging", False),
        ("sk_1", "production", True),
        ("sk_1", "staging", True),
    ],
)
def test_a_key_of_the_wrong_mode_is_refused(
    env: Setter, key: str, environment: str, fits: bool
) -> None:
    """A test key would fill production's warehouse with nothing, or a live one be tried out."""
    env(api_key=key, environment=environment)
    if fits:
        assert load_settings().base_url == HOSTS[environment]
        return
    with pytest.raises(ConfigurationError, match=r"is a (test|live) key, but") as caught:
        load_settings()
    assert key not in str(caught.value)
    assert "SOURCES__PRINTORA__ALLOW_MODE_MISMATCH=true" in caught.value.hint
    env(allow_mode_mismatch="true")
    assert load_settings().api_key == key
    env(allow_mode_mismatch="false")
    with pytest.raises(ConfigurationError):
        load_settings()


@pytest.mark.parametrize(
    "url", [HOSTS["production"], "HTTPS://API.PRINTORA.AI:443/", "https://api.printora.ai."]
)
def test_the_mode_is_guarded_by_host_and_not_by_name(env: Setter, url: str) -> None:
    """A base URL would be a way around the guard."""
    env(api_key="sk_test_1", base_url=url, environment="staging")
    with pytest.raises(ConfigurationError, match=r"but api\.printora\.ai\.? is production"):
        load_settings()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://other.test", "https://other.test"),
        ("https://other.test:8443/", "https://other.test:8443"),
        ("https://other.test/printora/", "https://other.test/printora"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_base_url_wins_over_the_environment(env: Setter, url: str, kept: str) -> None:
    """The sandbox, and the hosts of v1.1, are reached by it alone."""
    env(base_url=url, environment="staging", api_key="sk_any_1")
    assert load_settings().base_url == kept


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("api.printora.ai", "not a URL"),
        ("ftp://api.printora.ai", "not a URL"),
        ("https://", "not a URL"),
        ("http://[::1", "not a URL"),
        ("http://api.printora.ai", "unencrypted"),
        ("http://127.0.0.1.evil.test", "unencrypted"),
        ("http://localhost@evil.test", "unencrypted"),
        ("http://10.0.0.1", "unencrypted"),
    ],
)
def test_a_base_url_that_cannot_be_trusted_is_refused(env: Setter, url: str, why: str) -> None:
    """The key would go over the wire for everyone to read."""
    env(base_url=url)
    with pytest.raises(ConfigurationError, match=why) as caught:
        load_settings()
    assert caught.value.exit_code == 2
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("environment", "prod"),
        ("api_version", "2.0"),
        ("reserve_share", "1"),
        ("reserve_share", "-0.1"),
        ("reserve_share", "nan"),
        ("reserve_share", "a fifth"),
        ("max_wait_seconds", "-1"),
        ("max_wait_seconds", "inf"),
        ("timeout_seconds", "0"),
        ("personal_data", "some"),
        ("report_time_zone", "Mars/Olympus"),
        ("report_time_zone", "../etc/passwd"),
        ("session_maturity_minutes", "0"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(env: Setter, name: str, value: str) -> None:
    """A typing error would silently mean something else."""
    env(**{name: value})
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert f"SOURCES__PRINTORA__{name.upper()} is '{value}'" in str(caught.value)
    assert caught.value.hint


def test_every_value_that_can_be_set_arrives(env: Setter) -> None:
    """A setting that is read and dropped looks as if it worked."""
    env(
        api_version="1.1",
        reserve_share="0.35",
        max_wait_seconds="12",
        timeout_seconds="7.5",
        personal_data="none",
        pseudonym_key="secret",
        report_time_zone="Europe/Berlin",
        session_maturity_minutes="90",
        session_ledger="s3://bucket/x.parquet",
    )
    settings = load_settings()
    assert settings.contract == V1_1
    assert (settings.reserve_share, settings.max_wait_seconds) == (0.35, 12.0)
    assert (settings.timeout_seconds, settings.personal_data) == (7.5, "none")
    assert (settings.pseudonym_key, settings.session_ledger) == ("secret", "s3://bucket/x.parquet")
    assert settings.models == model_settings()
    assert settings.models.report_time_zone == "Europe/Berlin"
    assert settings.models.session_maturity_minutes == 90


def test_the_secrets_are_not_in_the_settings_text(env: Setter) -> None:
    """A log line with the settings would hold the key."""
    env(pseudonym_key="whsec_9")
    assert "sk_live_1" not in repr(load_settings())
    assert "whsec_9" not in repr(load_settings())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.duckdb", "a.duckdb"),
        ("duckdb:///a.duckdb", "a.duckdb"),
        ("sub/folder/a.db", "sub/folder/a.db"),
    ],
)
def test_the_duckdb_file_is_dlts_setting(
    monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, path: str
) -> None:
    """The models would be built in another file than the one that dlt loads."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", text)
    assert warehouse_path() == folder / path


@pytest.mark.parametrize(
    "text", [":memory:", "md:shop", "s3://bucket/a.duckdb", "analytics.duckdb"]
)
def test_what_is_no_file_for_the_tables_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """The load would be lost at the end, or DuckDB take the file's name for a schema."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", text)
    with pytest.raises(ConfigurationError, match="DESTINATION__DUCKDB__CREDENTIALS is"):
        warehouse_path()
