"""The sandbox's own endpoints under /sandbox: its clock, its truth, and what can be changed."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from pipelines.errors import ConfigurationError
from pipelines.sandbox.backend import Backend
from pipelines.sandbox.changes import Churn
from pipelines.sandbox.guard import check_numbers, read_json, refuse_strangers
from pipelines.sandbox.record import Record
from pipelines.sandbox.times import iso
from pipelines.sandbox.truth import TABLES

#: What /sandbox/changes can do: the public methods of ``Changes``.
CHANGES = (
    "add_orders",
    "cancel",
    "churn",
    "create_sessions",
    "delete_logs",
    "delete_orders",
    "move",
    "resend_logs",
    "retry_logs",
)
#: What a wrong setting or change raises: a name, a type, a range, a file.
_WRONG = (
    ConfigurationError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    re.error,
)


class Control:
    """Handlers of the control endpoints."""

    def __init__(self, backend: Backend, record: Record) -> None:
        self._backend = backend
        self._record = record
        self._ledger_path = backend.config.ledger_path and backend.config.ledger_path.resolve()
        #: The only folder that a ledger is written into.
        self._folder = self._ledger_path.parent if self._ledger_path else Path.cwd()

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted under /sandbox."""
        return [
            Route("/clock", self._safely(self._clock), methods=["GET", "POST"]),
            Route("/truth/{table}", self._safely(self._truth)),
            Route("/changes", self._safely(self._change), methods=["POST"]),
            Route("/ledger", self._safely(self._ledger), methods=["POST"]),
            Route("/requests", self._safely(self._requests), methods=["GET", "DELETE"]),
            Route("/faults/script", self._safely(self._script), methods=["POST"]),
            Route("/{settings}", self._safely(self._settings), methods=["GET", "PATCH"]),
        ]

    def _safely(self, handler: Any) -> Any:
        """Turn a wrong setting into a 400 that says what was wrong."""

        async def handle(request: Request) -> Response:
            try:
                refuse_strangers(request)
                body = await read_json(request)
                return await run_in_threadpool(handler, request, body)
            except HTTPException as refusal:
                return JSONResponse({"error": refusal.detail}, status_code=refusal.status_code)
            except _WRONG as error:
                return JSONResponse({"error": str(error)}, status_code=400)

        return handle

    def _clock(self, request: Request, body: Mapping[str, Any]) -> Response:
        """GET: the world's time. POST {"advance": seconds}: jump on."""
        if request.method == "POST":
            self._backend.clock.advance(_number("advance", body["advance"]))
        now = self._backend.clock.now_ms()
        return JSONResponse(
            {"now": now / 1000, "iso": iso(now), "server_now": self._backend.server_now()}
        )

    def _truth(self, request: Request, body: Mapping[str, Any]) -> Response:
        """GET ?at=epoch seconds&format=ndjson or parquet."""
        del body
        name = request.path_params["table"]
        if name not in TABLES:
            raise ConfigurationError(f"There is no {name!r}.", hint=f"One of {', '.join(TABLES)}.")
        at = _queried(request, "at")
        table = self._backend.truth.table(name, at)
        if request.query_params.get("format") == "parquet":
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink)
            return Response(sink.getvalue().to_pybytes(), media_type="application/x-parquet")
        return StreamingResponse(_ndjson(table), media_type="application/x-ndjson")

    def _change(self, request: Request, body: Mapping[str, Any]) -> Response:
        """POST {"change": name, …}: the name and the parameters of a method of ``Changes``."""
        del request
        name, arguments = body.get("change"), {k: v for k, v in body.items() if k != "change"}
        if name not in CHANGES:
            raise ConfigurationError(
                f"There is no change {name!r}.", hint=f"One of {', '.join(CHANGES)}."
            )
        method = getattr(self._backend.changes, name)
        inspect.signature(method).bind(**arguments)
        result = method(**arguments)
        return JSONResponse({"result": asdict(result) if isinstance(result, Churn) else result})

    def _ledger(self, request: Request, body: Mapping[str, Any]) -> Response:
        """POST {"path": file}: bring the partner's list of sessions up to now."""
        del request
        path = body.get("path") or self._ledger_path
        if path is None:
            raise ConfigurationError("There is no ledger.", hint="Name its path.")
        place = self._within(path)
        return JSONResponse({"lines": self._backend.ledger.write(place), "path": str(place)})

    def _within(self, path: str | Path) -> Path:
        """Return the whole path of a ledger, which replaces what is there."""
        place = (self._folder / path).resolve()
        inside = place.is_relative_to(self._folder) and place.suffix == ".jsonl"
        if not inside and place != self._ledger_path:
            raise ConfigurationError(
                "The ledger's path is not one of a file of the sandbox.",
                hint=f"Name a file in {self._folder} that ends in .jsonl.",
            )
        return place

    def _requests(self, request: Request, body: Mapping[str, Any]) -> Response:
        """GET ?last=n: what was asked of the API. DELETE: count from zero."""
        del body
        if request.method == "DELETE":
            self._record.clear()
        meter = self._backend.meter
        shop = {"requests": meter.shop_requests, "refused": meter.shop_refused}
        last = int(_queried(request, "last") or 0)
        return JSONResponse({**self._record.summary(last), "shop": shop})

    def _script(self, request: Request, body: Mapping[str, Any]) -> Response:
        """POST {"faults": [names]}: what befalls the next requests, one each."""
        del request
        self._backend.faults.script(body["faults"])
        return JSONResponse({"faults": body["faults"]})

    def _settings(self, request: Request, body: Mapping[str, Any]) -> Response:
        """GET or PATCH behaviour, limits or faults."""
        name = request.path_params["settings"]
        if name not in self._backend.settings():
            return JSONResponse({"error": f"There is no /sandbox/{name}."}, status_code=404)
        if request.method == "PATCH":
            getattr(self._backend, f"set_{name}")(**body)
        return JSONResponse(asdict(self._backend.settings()[name]))


def _queried(request: Request, name: str) -> float | None:
    """Return a number of the query; None where it is not there."""
    text = request.query_params.get(name)
    return None if text is None else _number(name, text)


def _number(name: str, value: Any) -> float:
    number = float(value)
    check_numbers({name: number})
    return number


def _ndjson(table: pa.Table) -> Iterator[str]:
    """Return the rows as JSON lines: money as text, times in ISO 8601."""
    plain = pa.table({name: _plain(table[name]) for name in table.column_names})
    for batch in plain.to_batches(max_chunksize=10_000):
        yield "".join(json.dumps(row) + "\n" for row in batch.to_pylist())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
    return column.cast(pa.string()) if pa.types.is_decimal(column.type) else column
