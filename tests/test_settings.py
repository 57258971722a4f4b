"""The settings: from the environment and from TOML, and refused with the name of what is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.client.wire import V1_0, V1_1
from pipelines.errors import ConfigurationError
from pipelines.lookup import lookup
from pipelines.setting_table import TABLE, Setting
from pipelines.settings import (
    HOSTS,
    Settings,
    limit_memory,
    load_settings,
    model_settings,
    publish_path,
    warehouse_path,
)
from pipelines.unknown_settings import OTHERS
from pipelines.warehouse import ModelSettings

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
        ("retry_settled_minutes", "1.5"),
        ("delivery_promise_days", "-1"),
        ("requests_per_day", "many"),
        ("duckdb_memory_limit", "much"),
        ("max_run_minutes", "0"),
        ("allow_mode_mismatch", "maybe"),
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
        max_run_minutes="90",
        reread_days="7",
        duckdb_memory_limit="2GB",
        retry_settled_minutes="200",
        delivery_promise_days="10",
        pseudonym_key="secret" * 6,
        report_time_zone="Europe/Berlin",
        session_maturity_minutes="90",
        session_ledger="s3://bucket/x.parquet",
    )
    settings = load_settings()
    assert settings.contract == V1_1
    assert (settings.reserve_share, settings.max_wait_seconds) == (0.35, 12.0)
    assert (settings.timeout_seconds, settings.personal_data) == (7.5, "none")
    assert (settings.pseudonym_key, settings.session_ledger) == (
        "secret" * 6,
        "s3://bucket/x.parquet",
    )
    assert settings.models == model_settings()
    assert settings.models.report_time_zone == "Europe/Berlin"
    assert settings.models.session_maturity_minutes == 90
    assert settings.models.retry_settled_minutes == 200
    assert settings.models.delivery_promise_days == 10
    assert (settings.max_run_minutes, settings.reread_days) == (90.0, 7.0)
    assert settings.duckdb_memory_limit == "2GB"


def test_the_secrets_are_not_in_the_settings_text(env: Setter) -> None:
    """A log line with the settings would hold the key."""
    env(pseudonym_key="whsec_" + "9" * 32)
    assert "sk_live_1" not in repr(load_settings())
    assert "whsec_" + "9" * 32 not in repr(load_settings())


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


def test_a_path_that_duckdb_cannot_write_beside_is_refused(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The load would end with an error at its first commit, after all its requests."""
    (folder / "a?b").mkdir()
    monkeypatch.chdir(folder / "a?b")
    with pytest.raises(ConfigurationError, match="question mark"):
        warehouse_path()


def test_duckdb_keeps_to_the_memory_that_it_is_given(env: Setter) -> None:
    """A build would take the machine's memory from everything else that runs there."""
    with duckdb.connect() as connection:
        env(duckdb_memory_limit="512MiB")
        limit_memory(connection)
        limit = connection.execute("select current_setting('memory_limit')").fetchone()
    assert limit == ("512.0 MiB",)


@pytest.mark.parametrize("word", ["on", "off", "TRUE", "False", "yes", "no", "1", "0"])
def test_a_switch_is_on_or_off(env: Setter, word: str) -> None:
    """What somebody switched on in other words would be off in silence."""
    env(api_key="sk_test_1", allow_mode_mismatch=word)
    if word.lower() in ("on", "true", "yes", "1"):
        assert load_settings().api_key == "sk_test_1"
    else:
        with pytest.raises(ConfigurationError, match="is a test key"):
            load_settings()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SOURCES__PRINTORA__SESSION_LEGDER", "SOURCES__PRINTORA__SESSION_LEDGER"),
        ("SOURCES__PRINTORA__API__VERSION", "SOURCES__PRINTORA__API_VERSION"),
        ("SOURCES__PRINTORA__session_ledger", "SOURCES__PRINTORA__SESSION_LEDGER"),
        ("SOURCES__PRINTORA__RESERVE", "SOURCES__PRINTORA__RESERVE_SHARE"),
        ("SOURCES__PRINTORA__COLOUR_OF_THE_SKY", None),
        ("SOURCE__PRINTORA__SESSION_LEDGER", "SOURCES__PRINTORA__SESSION_LEDGER"),
        ("SOURCES_PRINTORA_SESSION_LEDGER", "SOURCES__PRINTORA__SESSION_LEDGER"),
        ("SOURCES__PRINTRA__PERSONAL_DATA", "SOURCES__PRINTORA__PERSONAL_DATA"),
        ("DESTINATION__DUCKDB__CREDENTIAL", "DESTINATION__DUCKDB__CREDENTIALS"),
        ("DESTINATION__DUCKDB__CREDENTIALS__DATABASE", "DESTINATION__DUCKDB__CREDENTIALS"),
        ("PRINTORA_SHEDULE_CRON", "PRINTORA_SCHEDULE_CRON"),
        ("PRINTORA_SESSION_LEDGER", "SOURCES__PRINTORA__SESSION_LEDGER"),
        ("PRINTORA__PERSONAL_DATA", "SOURCES__PRINTORA__PERSONAL_DATA"),
        ("DESTINATION__CREDENTIALS", "DESTINATION__DUCKDB__CREDENTIALS"),
        ("DESTINATION__DUCKDB", "DESTINATION__DUCKDB__CREDENTIALS"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest(
    env: Setter, monkeypatch: pytest.MonkeyPatch, name: str, nearest: str | None
) -> None:
    """A run would go on without the ledger, and leave the sessions out for ever."""
    monkeypatch.setenv(name, "x")
    for read in (load_settings, warehouse_path):
        with pytest.raises(ConfigurationError, match=f"no setting {name} ") as caught:
            read()
        assert caught.value.exit_code == 2
        assert (f"Did you mean {nearest}?" if nearest else "README") in caught.value.hint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[sources.printora]\nsesion_ledger = "x"\n', "sesion_ledger in .*config.toml"),
        ('[sources.printora]\nsources = "x"\n', "sources in .*config.toml"),
        ('[sources.printora.api]\nversion = "1.0"\n', "api in .*config.toml"),
        ('[source.printora]\npersonal_data = "none"\n', r"\[source.printora\] in .*config.toml"),
        ('[sources.Printora]\npersonal_data = "none"\n', r"\[sources.Printora\] in"),
        ("[sources.printora\n", "config.toml cannot be read"),
        ("[sources.printora]\nsession_ledger = ['a']\n", "SESSION_LEDGER is a table or a list"),
        ("session_ledger = 'x'\n", "session_ledger in .*config.toml"),
        ("[sources]\npersonal_data = 'none'\n", r"personal_data in .*\[sources\]"),
        ("[printora]\nreserve_share = 0.5\n", r"reserve_share in .*\[printora\]"),
        ("[sources]\nprintora = 'x'\n", r"sources.printora = … in"),
        ("[[sources.printora]]\npersonal_data = 'none'\n", r"sources.printora = … in"),
        ("[destination.duckdb]\ncredential = 'x'\n", r"credential in .*\[destination.duckdb\]"),
        ("[destination.duckdb.credentials]\ndatabase = 'x'\n", "CREDENTIALS is not a text"),
        ("[destination.duckdb]\ncredentials = 5\n", "CREDENTIALS is not a text"),
    ],
)
def test_a_misspelt_key_is_refused_with_its_file(
    env: Setter, folder: Path, text: str, told: str
) -> None:
    """A key that nothing reads looks like a setting that is heeded."""
    (folder / ".dlt").mkdir()
    (folder / ".dlt/config.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=told) as caught:
        load_settings()
    assert caught.value.hint


def test_what_is_somebody_elses_is_left_alone(env: Setter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the shop's own, or one of dlt's, would stop every run."""
    for name in (
        "PRINTORA_API_KEY",
        "SHOP_PRINTORA_PARTNER",
        "SOURCES__FILESYSTEM__BUCKET_URL",
        "SOURCES__PRINTORA__DATA_WRITER__BUFFER_MAX_ITEMS",
        "DESTINATION__DUCKDB__CREATE_INDEXES",
        "DUCKDB_MEMORY",
        "PRINTER",
        "PRINTORA_WEBHOOK_SECRET",
        "PRINTORA_ENVIRONMENT",
    ):
        monkeypatch.setenv(name, "x")
    assert load_settings().partner_id == "p1"


PLACES = ("environment", "secrets.toml", "config.toml")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    said=st.dictionaries(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["api_key", "partner_id", "base_url"])),
        st.sampled_from(["a", "b ", "1", "true", ""]),
    )
)
def test_a_setting_is_found_where_dlt_finds_it(
    said: dict[tuple[str, str], str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user of dlt puts a key where dlt looks, and printora would look elsewhere."""
    with monkeypatch.context() as patch:
        for place in PLACES:
            lines = [f"{key} = {value!r}" for (at, key), value in said.items() if at == place]
            if place == "environment":
                for line in lines:
                    name, _, value = line.partition(" = ")
                    patch.setenv(f"SOURCES__PRINTORA__{name.upper()}", value.strip("'"))
            else:
                toml(folder, place, "\n".join(["[sources.printora]", *lines, ""]))
        for key in ("api_key", "partner_id", "base_url"):
            path = f"sources.printora.{key}"
            theirs: Any = dlt.secrets.get(path) if path in dlt.secrets else dlt.config.get(path)
            assert str(lookup(path)) == str(theirs)


def test_what_stands_twice_is_not_refused(env: Setter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop's own names beside ours would stop every run."""
    env(session_ledger="a.jsonl")
    monkeypatch.setenv("PRINTORA_SESSION_LEDGER", "b.jsonl")
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", "w.duckdb")
    monkeypatch.setenv("DESTINATION__CREDENTIALS", "other.duckdb")
    assert load_settings().session_ledger == "a.jsonl"


@pytest.mark.parametrize("word", ["off", "No", "false", "0"])
def test_the_snapshot_is_switched_off_by_any_word(env: Setter, word: str) -> None:
    """A snapshot for readers is written into a file called `no`."""
    env(publish_to=word)
    assert publish_path() is None


def test_a_mistyped_folder_of_the_snapshot_is_told_first(env: Setter, folder: Path) -> None:
    """The quota is spent, and then a typing error makes folders that nobody looks into."""
    env(publish_to=str(folder / "sapshots/shop.duckdb"))
    with pytest.raises(ConfigurationError, match=r"no folder .*sapshots"):
        load_settings()
    assert not (folder / "sapshots").exists()


@pytest.mark.parametrize("blank", ["", "   "])
def test_an_empty_warehouse_is_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    """A file called of blanks, which nobody finds again."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", blank)
    assert warehouse_path() == folder / "printora.duckdb"


def test_every_variable_of_our_own_is_known() -> None:
    """A variable that the code reads would be refused as a misspelt one."""
    root = Path(__file__).parents[1]
    files = [path for part in ("pipelines", "assets") for path in (root / part).rglob("*.py")]
    read = {
        name
        for path in files
        for name in re.findall(r'"(PRINTORA_[A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert "PRINTORA_TRACEBACK" in read
    assert read <= {*OTHERS}


def test_a_default_is_the_tables_in_code_too(env: Setter) -> None:
    """Who makes the settings in code has another pace, or other marts, than who sets nothing."""
    env(api_key="sk_live_1", partner_id="p1")
    read = load_settings()
    built = {f.name: f.default for f in fields(Settings) if f.default is not MISSING}
    assert {name: getattr(read, name) for name in built} == built
    assert read.models == model_settings() == ModelSettings()


def test_the_readme_lists_the_table() -> None:
    """A setting exists that nobody can find, or is said to be what it is not."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `SOURCES__PRINTORA__.*$", readme, re.MULTILINE)
    assert rows == [
        f"| `{one.variable}` | `{one.name}` | {_shown(one)} | {one.meaning} |" for one in TABLE
    ]


def _shown(setting: Setting) -> str:
    words = ("required", "the version's", "DuckDB's", "from the API key")
    plain = setting.default in words or setting.default.startswith("made ")
    return setting.default if plain else f"`{setting.default}`" if setting.default else "\u2013"
