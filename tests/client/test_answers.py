"""The client on the sandbox over HTTP: versions, envelopes, cases, money, faults and retries."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from pipelines.client import PrintoraClient, RateGovernor
from pipelines.client.errors import (
    ApiError,
    Forbidden,
    MalformedAnswer,
    NotFound,
    Refused,
    ServerFault,
    Unauthorized,
    Unreachable,
)
from pipelines.client.wire import V1_0, V1_1, Contract
from pipelines.clock import ManualClock
from pipelines.errors import ConfigurationError, QuotaExhausted
from pipelines.sandbox import (
    DEFAULT_KEY,
    DEFAULT_PARTNER,
    Behaviour,
    FaultPlan,
    Limits,
    Sandbox,
    SandboxConfig,
    WorldOptions,
)

START = 1_772_366_400.0
FAULTS = {
    "error_500": ServerFault,
    "html_502": ServerFault,
    "html_503": ServerFault,
    "broken_json": MalformedAnswer,
    "empty_body": MalformedAnswer,
    "wrong_envelope": MalformedAnswer,
    "cut_connection": Unreachable,
}


class Api:
    """A served sandbox, and clients that share its clock."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.clock = ManualClock(START)
        self.slept: list[float] = []

    def serve(self, orders: int = 150, **config: Any) -> Sandbox:
        """Serve a small world. Limits are off unless they are given."""
        settings = SandboxConfig(
            world=WorldOptions(orders=orders), **{"limits": Limits.off(), **config}
        )
        self.sandbox = Sandbox(settings, clock=self.clock)
        self.base_url = self._stack.enter_context(self.sandbox.serve()).base_url
        return self.sandbox

    def client(
        self,
        contract: Contract = V1_0,
        *,
        key: str = DEFAULT_KEY,
        partner: str = DEFAULT_PARTNER,
        timeout: float = 10.0,
        **pacing: Any,
    ) -> PrintoraClient:
        """Open a client whose waits are noted in ``slept``."""
        note = NotingClock(self.clock, self.slept)
        governor = RateGovernor(contract.limits, clock=note, **pacing)
        client = PrintoraClient(
            self.base_url,
            key,
            partner,
            contract=contract,
            governor=governor,
            clock=note,
            timeout=timeout,
        )
        return self._stack.enter_context(client)

    def asked(self) -> int:
        """How many requests have reached the sandbox."""
        return len(self.sandbox.requests.entries)


class NotingClock:
    """Passes on to a clock, and notes each sleep."""

    def __init__(self, clock: ManualClock, slept: list[float]) -> None:
        self._clock = clock
        self._slept = slept

    def now(self) -> float:
        """What the clock beneath shows."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Note it, and let it pass."""
        self._slept.append(seconds)
        self._clock.sleep(seconds)


@pytest.fixture
def api() -> Iterator[Api]:
    with ExitStack() as stack:
        yield Api(stack)


@pytest.mark.parametrize("contract", [V1_0, V1_1], ids=lambda contract: contract.version)
def test_every_envelope_of_both_versions_is_opened(api: Api, contract: Contract) -> None:
    """A list in one of the vendor's shapes would be taken for a broken API."""
    sandbox = api.serve()
    client = api.client(contract)
    for envelope, logs_key in itertools.product(
        ("plain", "success", "data"), ("logs", "webhook_logs", "webhookLogs", "data")
    ):
        sandbox.set_behaviour(envelope=envelope, logs_key=logs_key)
        orders, logs = client.list_orders(), client.list_webhook_logs(limit=7)
        assert (len(orders.rows), orders.total) == (100, sandbox.truth.orders().num_rows)
        assert (len(logs.rows), logs.total) == (7, sandbox.truth.webhook_logs().num_rows)
        assert orders.place.endswith("orders?limit=100&offset=0")


def test_money_is_exact_to_the_last_digit(api: Api) -> None:
    """A price that went through a float would be a cent off in a sum of thousands."""
    sandbox = api.serve()
    rows = api.client().list_orders(limit=100).rows
    truth = {row["order_id"]: row["total_amount"] for row in sandbox.truth.orders().to_pylist()}
    assert all(isinstance(row["total_amount"], (Decimal, int)) for row in rows)
    assert {row["order_id"]: Decimal(row["total_amount"]) for row in rows}.items() <= truth.items()


def test_filters_and_paging_reach_the_api(api: Api) -> None:
    """A filter that is dropped on the way reads the whole list, and proves nothing."""
    api.serve()
    client = api.client()
    every = client.list_webhook_logs(limit=100).rows
    failed = client.list_webhook_logs(status="sent", event_type="order.paid", offset=2, limit=3)
    assert len(failed.rows) == 3
    assert {(row["status"], row["event"]) for row in failed.rows} == {("sent", "order.paid")}
    assert client.list_orders(offset=100_000).rows == []
    assert client.list_webhook_logs(offset=1, limit=1).rows[0] == every[1]


def test_a_page_is_no_younger_than_its_request(api: Api) -> None:
    """A certificate would say complete as of a time that the server had not reached."""
    api.serve(skew=-412.3)
    client = api.client()
    for number in range(5):
        before = api.sandbox.server_now()
        page = client.list_orders(limit=1)
        assert before - 4 < page.asked_at <= before
        api.clock.sleep(0.37 * number)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_waited_out(api: Api, fault: str) -> None:
    """One bad answer of a night's load would end it."""
    api.serve()
    api.sandbox.faults.script([fault] * 3)
    assert len(api.client().list_orders().rows) == 100
    assert api.asked() == 4
    for wait, least in zip(api.slept, (0.5, 1.0, 2.0), strict=True):
        assert least <= wait <= least + 0.5
    assert len({round(wait % 0.5, 6) for wait in api.slept}) == 3, "no jitter"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_a_typed_error_after_six_attempts(api: Api, fault: str) -> None:
    """A dead API would be asked for ever, or the error would not tell what it was."""
    api.serve()
    api.sandbox.faults.script([fault] * 20)
    with pytest.raises(FAULTS[fault]) as caught:
        api.client().list_orders()
    assert api.asked() == 6
    assert sum(api.slept) < 25
    assert caught.value.request == f"GET /api/v1/partners/{DEFAULT_PARTNER}/orders"
    assert_readable(caught.value)


def test_a_slow_answer_times_out(api: Api) -> None:
    """A hanging API would hang the load."""
    api.serve(faults=FaultPlan(slow_seconds=0.6))
    api.sandbox.faults.script(["slow_real", "ok"])
    client = api.client(timeout=0.25)
    assert len(client.list_orders().rows) == 100
    api.sandbox.faults.script(["slow_real"])
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1: timed out") as caught:
        client.retry_webhook("log_1")
    assert caught.value.status is None
    assert_readable(caught.value)


@pytest.mark.parametrize("fault", ["error_500", "cut_connection", "broken_json"])
def test_one_call_makes_one_session_whatever_goes_wrong(api: Api, fault: str) -> None:
    """A retry would charge the partner's user twice: each attempt has to carry the same key."""
    api.serve(behaviour=Behaviour.v1_1())
    keys: list[str | None] = []
    api.sandbox.before_request = lambda request: keys.append(request.headers.get("idempotency-key"))
    api.sandbox.faults.script([fault, fault])
    before = api.sandbox.truth.sessions().num_rows
    session = api.client(V1_1).create_session({"imageUrl": "https://example.test/a.png"})
    assert (len(keys), len(set(keys))) == (3, 1)
    assert re.fullmatch(r"[0-9a-f-]{36}", keys[0] or "")
    assert api.sandbox.truth.sessions().num_rows == before + 1
    assert session.redirect_url.startswith("http")
    assert session.redirect_url not in repr(session) + str(session)
    api.client(V1_1).create_session({"merchId": "m1"})
    assert keys[-1] != keys[0]


def test_a_session_can_be_read_in_version_1_1_alone(api: Api) -> None:
    """v1.0 has no such path: the user would get a 404 and no advice."""
    api.serve()
    client = api.client(V1_1)
    made = client.create_session({"creatorId": "c1"}, idempotency_key="9" * 36)
    assert made.session_id in client.read_session(made.session_id).values()
    with pytest.raises(ConfigurationError, match=r"1\.0 of the API cannot read a session"):
        api.client().read_session(made.session_id)
    with pytest.raises(NotFound):
        client.read_session("../orders")


@pytest.mark.parametrize("body", [{}, {"imageUrl": "a", "merchId": "b"}, {"imageUrl": ""}])
def test_a_session_needs_exactly_one_source(api: Api, body: dict[str, str]) -> None:
    """The API's 400 would cost a request and say less."""
    api.serve()
    with pytest.raises(ConfigurationError, match="exactly one of"):
        api.client().create_session(body)
    assert api.asked() == 0


@pytest.mark.parametrize("contract", [V1_0, V1_1], ids=lambda contract: contract.version)
@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "wrong_envelope"])
def test_retry_and_resend_are_never_repeated(api: Api, contract: Contract, fault: str) -> None:
    """The receiver would get the same event again and again."""
    api.serve(orders=400)
    client = api.client(contract)
    log_id = client.list_webhook_logs(status="failed", limit=1).rows[0]["webhook_log_id"]
    resend = {"webhook_log_id": log_id}
    if contract is V1_1:
        order = api.sandbox.truth.orders()["order_id"][0].as_py()
        resend = {"orderId": order, "eventType": "order.created"}
    calls: tuple[Callable[[], object], ...] = (
        lambda: client.retry_webhook(log_id),
        lambda: client.resend_webhook(resend),
    )
    for call in calls:
        before = api.asked()
        api.sandbox.faults.script([fault])
        with pytest.raises(FAULTS[fault]) as caught:
            call()
        assert api.asked() == before + 1
        assert_readable(caught.value)
    assert api.slept == []


@pytest.mark.parametrize("contract", [V1_0, V1_1], ids=lambda contract: contract.version)
def test_retry_and_resend_say_what_each_version_takes(api: Api, contract: Contract) -> None:
    """The two versions have different paths and bodies for the same thing."""
    api.serve(orders=400)
    client = api.client(contract)
    failed = client.list_webhook_logs(status="failed", limit=1).rows[0]
    assert isinstance(client.retry_webhook(failed["webhook_log_id"]), dict)
    body = {"webhook_log_id": failed["webhook_log_id"]}
    if contract is V1_1:
        body = {"orderId": failed["order_id"], "eventType": failed["event"]}
    assert isinstance(client.resend_webhook(body), dict)
    with pytest.raises((NotFound, Refused)):
        client.retry_webhook("no/such log?")


def test_refusals_are_typed_and_not_repeated(api: Api) -> None:
    """A wrong key would be tried six times, and the user sent looking for the wrong cause."""
    api.serve()
    cases: list[tuple[PrintoraClient, type[ApiError], int, str]] = [
        (api.client(key="sk_test_wrong"), Unauthorized, 401, "INVALID_API_KEY"),
        (api.client(partner="somebody_else"), Forbidden, 403, "FORBIDDEN"),
    ]
    for client, kind, status, code in cases:
        before = api.asked()
        with pytest.raises(kind) as caught:
            client.list_orders()
        assert (caught.value.status, caught.value.code) == (status, code)
        assert str(caught.value).startswith(f"{status} {code}: ")
        assert api.asked() == before + 1
        assert_readable(caught.value)
    api.sandbox.set_behaviour(versions="1.1")
    with pytest.raises(NotFound, match="SOURCES__PRINTORA__API_VERSION"):
        api.client().list_orders()


def test_a_web_server_in_place_of_the_api_is_named() -> None:
    """Who set a wrong base URL would be sent to look at the API's version."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        with (
            PrintoraClient(url, "sk_test_key", "partner") as client,
            pytest.raises(NotFound, match=r"a web page .*SOURCES__PRINTORA__BASE_URL"),
        ):
            client.list_orders()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("window", ["fixed", "sliding"])
@pytest.mark.parametrize("headers", ["minute", "tightest"])
def test_a_long_load_over_http_meets_no_429_and_no_shop_is_refused(
    api: Api, window: Any, headers: Any
) -> None:
    """What the model of a server promises would not hold for a real one."""
    limits = Limits(window=window, headers=headers, production_per_minute=6)
    api.serve(limits=limits, skew=-251.7)
    client = api.client()
    began = api.clock.now()
    for _ in range(300):
        client.list_orders(limit=1)
        api.clock.sleep(0.15)
    assert all(entry.status == 200 for entry in api.sandbox.requests.entries)
    assert api.sandbox.meter.shop_refused == 0
    # In a sliding window the shop's six requests are not ours: 42 a minute are left.
    assert 300 / ((api.clock.now() - began) / 60) >= 42 * 0.96


@pytest.mark.parametrize("hint", ["none", "seconds", "date", "zero", "past"])
def test_a_429_is_waited_out_whatever_its_hint(api: Api, hint: Any) -> None:
    """Another user of the key has taken the minute: the load would fail, or hammer the API."""
    api.serve(limits=Limits(retry_after=hint), skew=333.0)
    other = api.client(reserve_share=0)
    for _ in range(60):
        other.list_orders(limit=1)
    assert len(api.client().list_orders().rows) == 100
    refused = [entry for entry in api.sandbox.requests.entries if entry.status == 429]
    assert len(refused) == 1
    assert 0 < api.clock.now() - START <= 64


def test_a_spent_day_ends_the_load_with_exit_code_3(api: Api) -> None:
    """The load would sleep till tomorrow, or count as failed."""
    api.serve(limits=Limits(per_long=30, headers="tightest"))
    client = api.client()
    for _ in range(24):
        client.list_orders(limit=1)
    with pytest.raises(QuotaExhausted, match="30 requests a day") as caught:
        client.list_orders(limit=1)
    assert caught.value.exit_code == 3
    assert api.asked() == 24
    assert api.slept == []


def assert_readable(error: ApiError) -> None:
    """No key, no URL, no body; the request, and what to do."""
    text = f"{error} {error!r} {error.hint} {json.dumps(error.__dict__, default=str)}"
    assert DEFAULT_KEY not in text
    assert "sk_test_wrong" not in text
    assert "://" not in text
    assert "<" not in str(error)
    assert '"orders"' not in text
    assert error.request in error.message
    assert error.hint
    assert error.exit_code == 1
