"""Between the wire and the endpoints: keys, limits, faults, headers, and the record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from pipelines.sandbox.answers import Answer, Refusal, Request
from pipelines.sandbox.backend import Backend
from pipelines.sandbox.endpoints import Endpoints
from pipelines.sandbox.faults import INSTEAD
from pipelines.sandbox.record import Entry, Record

_JSON = "application/json"


@dataclass(frozen=True)
class _Reply:
    """Bytes to send. ``promised`` is the body's length as the headers tell it."""

    status: int
    body: bytes
    kind: str
    promised: int


class Gate:
    """The vendor's API as an ASGI application."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._endpoints = Endpoints(backend)
        self.record = Record()
        #: Called before each request is looked at, so that a test can change the world just then.
        self.before_request: Callable[[Request], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        http = HttpRequest(scope, receive)
        request = Request(
            method=http.method,
            path=http.url.path,
            query=dict(http.query_params),
            headers=dict(http.headers),
            body=await http.body(),
        )
        if self.before_request is not None:
            self.before_request(request)
        at = self._backend.clock.now()
        answer, fault = self._answer(request)
        await self._wait(fault)
        reply = _spoilt(answer, fault)
        self.record.add(
            Entry(at, request.method, request.path, http.url.query, reply.status, fault)
        )
        await self._send(reply, answer, send)

    def _answer(self, request: Request) -> tuple[Answer, str | None]:
        """Return the API's answer and the fault that is to befall it."""
        fault = None
        try:
            self._endpoints.authenticate(request)
            self._count()
            fault = self._backend.faults.next(request.method, request.path)
            if fault in INSTEAD:
                return Refusal(500, "INTERNAL_ERROR", "Something went wrong").answer(), fault
            return self._endpoints.answer(request), fault
        except Refusal as refusal:
            answer = refusal.answer()
            if answer.status == 429:
                again = self._backend.meter.retry_after(self._backend.server_now())
                answer = Answer(answer.status, answer.content, again)
            return answer, fault

    def _count(self) -> None:
        if not self._backend.meter.allow(self._backend.server_now()):
            raise Refusal(429, "RATE_LIMIT_EXCEEDED", "Too many requests")

    async def _wait(self, fault: str | None) -> None:
        seconds = self._backend.faults.plan.slow_seconds
        if fault == "slow":
            await asyncio.to_thread(self._backend.clock.sleep, seconds)
        elif fault == "slow_real":
            await asyncio.sleep(seconds)

    async def _send(self, reply: _Reply, answer: Answer, send: Send) -> None:
        now = self._backend.server_now()
        headers = {
            "Date": formatdate(now, usegmt=True),
            "Content-Type": reply.kind,
            "Content-Length": str(reply.promised),
            **self._backend.meter.headers(now),
            **answer.headers,
        }
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        # A body shorter than promised is left unfinished: the server then drops the connection.
        is_cut = reply.promised > len(reply.body)
        await send({"type": "http.response.body", "body": reply.body, "more_body": is_cut})


def _spoilt(answer: Answer, fault: str | None) -> _Reply:
    """Return the answer as it goes over the wire, with what befalls it on the way."""
    body = json.dumps(answer.content, ensure_ascii=False, separators=(",", ":")).encode()
    if fault in ("html_502", "html_503"):
        status = int(fault[-3:])
        page = f"<html><body><h1>{status} Service Unavailable</h1></body></html>".encode()
        return _Reply(status, page, "text/html; charset=utf-8", len(page))
    if fault == "broken_json":
        body = body[: len(body) // 2]
    elif fault == "empty_body":
        body = b""
    elif fault == "wrong_envelope":
        body = b'{"result":{"rows":[]}}'
    kept = body[: len(body) // 2] if fault == "cut_connection" else body
    return _Reply(answer.status, kept, _JSON, len(body))
