"""The Partner API over HTTP: five endpoints, paced, retried where that is safe, typed.

A GET is repeated after a fault that may pass; so is the creation of a session, under its
Idempotency-Key. A retry or resend of a webhook is sent once: the API promises nothing about
doing it twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from pipelines.client import wire
from pipelines.client.credentials import refuse_partner
from pipelines.client.errors import ApiError, MalformedAnswer
from pipelines.client.governor import RateGovernor, Wait
from pipelines.client.other_list import other_list
from pipelines.client.transport import ATTEMPTS, Answer, Transport
from pipelines.client.wire import Contract, Page
from pipelines.clock import Clock, SystemClock
from pipelines.decoding import decode_list
from pipelines.errors import ConfigurationError
from pipelines.lists import ORDERS_LIST, PAGE_SIZE, WEBHOOK_LOGS_LIST, ListSpec

__all__ = ["CreatedSession", "Page", "PrintoraClient", "RateGovernor", "Wait"]


@dataclass(frozen=True)
class CreatedSession:
    """A session just made. ``redirect_url`` logs its holder in: never store or log it."""

    session_id: str
    redirect_url: str
    mode: str | None

    def __repr__(self) -> str:
        return f"CreatedSession(session_id={self.session_id!r}, mode={self.mode!r})"


class PrintoraClient:
    """One partner's view of the API.

    ``base_url`` has no path. Every method raises an :class:`ApiError`, or
    :class:`~pipelines.errors.QuotaExhausted` when the limits need a longer wait than the
    governor's ``max_wait``.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        partner_id: str,
        *,
        contract: Contract = wire.V1_0,
        governor: RateGovernor | None = None,
        clock: Clock | None = None,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        refuse_partner(partner_id)
        clock = clock or SystemClock()
        self.contract = contract
        self.governor = governor or RateGovernor(contract.limits, clock=clock)
        self._partner_id = partner_id
        self._transport = Transport(
            base_url,
            api_key,
            governor=self.governor,
            clock=clock,
            timeout=timeout,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    @property
    def clock_trusted(self) -> bool:
        """Whether the server's clock is known, from answers that agree with each other."""
        return self.governor.server_clock.trusted

    @property
    def clock_doubt(self) -> str | None:
        """Why the server's clock is not trusted, in plain words; None while it is."""
        return self.governor.server_clock.doubt

    @property
    def server_offset_seconds(self) -> float:
        """Best estimate of the server's clock minus ours; 0 while nothing is known."""
        return self.governor.server_clock.offset

    def list_orders(self, **options: Any) -> Page:
        """Read one page of orders; the options are those of :meth:`read_list`."""
        return self.read_list(ORDERS_LIST, **options)

    def list_webhook_logs(self, *, event_type: str | None = None, **options: Any) -> Page:
        """Read one page of webhook logs; the options are those of :meth:`read_list`."""
        filters = {self.contract.event_filter: event_type}
        return self.read_list(WEBHOOK_LOGS_LIST, filters=filters, **options)

    def read_list(
        self,
        spec: ListSpec,
        *,
        offset: int = 0,
        limit: int = PAGE_SIZE,
        status: str | None = None,
        filters: Mapping[str, str | None] | None = None,
        attempts: int = ATTEMPTS,
    ) -> Page:
        """Read one page of a list. The server may clamp ``limit`` and ignore filters.

        ``attempts`` is how often it is asked while a fault may pass.
        """
        path = self._path(spec)
        params = {"limit": limit, "offset": offset, "status": status, **(filters or {})}
        query = {name: value for name, value in params.items() if value is not None}
        place = f"GET {path}?{httpx.QueryParams(query)}"

        def read(answer: Answer) -> Page:
            listed = wire.unwrap_list(answer.body, spec)
            if other := other_list(listed.rows, spec):
                raise wire.NotTheContractError(
                    f"the answer holds {other.words} in the place of {spec.words}"
                )
            return Page(
                listed.rows,
                listed.total,
                answer.asked_at,
                place,
                answer.age_seconds,
            )

        try:
            return self._transport.send(
                "GET", path, read=read, attempts=attempts, decode=decode_list, params=query
            )
        except ApiError as error:
            error.offset = offset
            raise

    def sent(self, spec: ListSpec) -> int:
        """Return how many requests of a list were sent, repeats and failures included."""
        return self.governor.sent[self._path(spec)]

    def _path(self, spec: ListSpec) -> str:
        return self.contract.path(spec.paths[self.contract.version], partner_id=self._partner_id)

    def create_session(
        self,
        body: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> CreatedSession:
        """Create a print session from exactly one of ``imageUrl``, ``creatorId``, ``merchId``.

        The key is made once and kept through the retries, so that one call makes one session.
        """
        sources = [name for name in ("imageUrl", "creatorId", "merchId") if body.get(name)]
        if len(sources) != 1:
            raise ConfigurationError(
                "A session is made from exactly one of imageUrl, creatorId and merchId; "
                f"{len(sources)} were given."
            )
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        path = self.contract.create_session
        answer = self._write(path, dict(body), headers=headers, repeatable=True)
        session_id = answer.get("sessionId") or answer.get("session_id")
        redirect_url = answer.get("redirectUrl") or answer.get("redirect_url")
        if not isinstance(session_id, str) or not isinstance(redirect_url, str):
            raise MalformedAnswer(
                "the answer has no session id and redirect URL", request=f"POST {path}"
            )
        return CreatedSession(session_id, redirect_url, answer.get("sessionMode"))

    def read_session(self, session_id: str) -> wire.Json:
        """Read one session (v1.1 only), as the API gives it: it may hold a login URL."""
        if self.contract.read_session is None:
            raise ConfigurationError(
                f"Version {self.contract.version} of the API cannot read a session.",
                hint="Set SOURCES__PRINTORA__API_VERSION to 1.1 if your account has it.",
            )
        path = self.contract.path(self.contract.read_session, session_id=session_id)
        return self._transport.send("GET", path, attempts=ATTEMPTS, read=_object)

    def retry_webhook(self, webhook_log_id: str) -> wire.Json:
        """Ask for one more delivery of a failed webhook. Sent once, never repeated."""
        path = self.contract.path(self.contract.retry_webhook, webhook_log_id=webhook_log_id)
        body = {"webhook_log_id": webhook_log_id} if "{" not in self.contract.retry_webhook else {}
        return self._write(path, body)

    def resend_webhook(self, body: Mapping[str, Any]) -> wire.Json:
        """Ask for a webhook to be sent anew. Sent once, never repeated.

        v1.0 takes ``webhook_log_id``; v1.1 one of ``orderId`` and ``sessionId``, and ``eventType``.
        """
        return self._write(self.contract.resend_webhook, dict(body))

    def _write(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> wire.Json:
        return self._transport.send(
            "POST",
            path,
            read=_object,
            attempts=ATTEMPTS if repeatable else 1,
            json=body,
            headers=headers,
        )


def _object(answer: Answer) -> wire.Json:
    return wire.unwrap_object(answer.body)
