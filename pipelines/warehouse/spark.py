"""Spark Connect: a session on a cluster, or on Sail in this process, which needs no JVM.

``SPARK_REMOTE``, Spark's own setting, says where; without it, or where it is ``local``, Sail runs
here, a distributed engine that speaks Spark's protocol and SQL.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from pipelines.errors import ConfigurationError, ModelError, WarehouseError
from pipelines.warehouse.dialect import compiled, view_name

#: No JVM has types for it in Python, and Sail's client has none either.
Spark = Any
_LOCAL = "local"


def require_spark() -> None:
    """See that what builds on a lake is installed, before anything is loaded into it.

    Raises:
        ConfigurationError: the client, or Sail, is not.
    """
    wanted = {"pyspark": "Spark's client"} | ({"pysail": "Sail"} if _remote() == _LOCAL else {})
    for package, name in wanted.items():
        if find_spec(package) is None:
            raise ConfigurationError(
                f"{name} is not installed.", hint="Install printora-elt[spark]."
            )


def _remote() -> str:
    return os.environ.get("SPARK_REMOTE") or _LOCAL


@contextmanager
def spark_session(secrets: Mapping[str, str] | None = None) -> Iterator[Spark]:
    """Yield a session, in UTC; ``secrets`` are what Sail needs to reach a bucket, by AWS's names.

    Raises:
        ConfigurationError: the client, or Sail, is not installed.
        WarehouseError: no server answers at SPARK_REMOTE.
    """
    require_spark()
    remote = _remote()
    with _server(secrets or {}) if remote == _LOCAL else _elsewhere(remote) as address:
        session = _opened(address)
        try:
            yield session
        finally:
            session.stop()


def rows(spark: Spark, sql: str) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a query that is written for DuckDB."""
    return fetched(spark, compiled(sql, "spark"))


def fetched(spark: Spark, sql: str) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a query in Spark's SQL."""
    found = spark.sql(sql).toArrow()
    return zip(*(column.to_pylist() for column in found.columns), strict=True)


def read_table(spark: Spark, name: str, location: str, version: int | None = None) -> None:
    """Let Spark find a Delta table by its name, as it is now or was in a version."""
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    reader.load(location).createOrReplaceTempView(view_name(name))


@contextmanager
def explained(place: str, *, hint: str) -> Iterator[None]:
    """Turn the engine's errors into ours, with the file."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        text = " ".join(str(error).split())[:500].rstrip(".")
        raise ModelError(f"{place}: Spark: {text}.", hint=hint) from error


@contextmanager
def _server(secrets: Mapping[str, str]) -> Iterator[str]:
    os.environ.setdefault("RUST_LOG", "error")  # it would tell of its coming and going
    os.environ.update(_variables(secrets))
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1")
    server.start(background=True)
    try:
        yield f"sc://127.0.0.1:{server.listening_address[1]}"
    finally:
        server.stop()


def _variables(secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which Sail reaches a bucket; delta-rs leaves the prefix out."""
    return {f"AWS_{name.upper().removeprefix('AWS_')}": text for name, text in secrets.items()}


@contextmanager
def _elsewhere(remote: str) -> Iterator[str]:
    yield remote


def _opened(address: str) -> Spark:
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.session import SparkSession

    try:
        session = SparkSession.builder.remote(address).create()
        # Casts and dates take the session's zone; without ANSI, errors become nulls.
        session.conf.set("spark.sql.session.timeZone", "UTC")
        session.conf.set("spark.sql.ansi.enabled", "true")
    except PySparkException as error:
        raise WarehouseError(
            f"No Spark Connect server answers at SPARK_REMOTE: {str(error).splitlines()[0][:200]}.",
            hint="Write it like sc://host:15002, or unset it: then Sail runs in this process.",
        ) from error
    return session
