"""What can go wrong between us and the API.

ApiError                    status, code, request; PrintoraError's message and hint
├── Unreachable             no answer: DNS, refused, no TLS                    repeatable
│   └── Unfinished          an answer that did not end: timed out, cut         repeatable
├── MalformedAnswer         an answer that is not what the API promises        repeatable
│   └── AnswerTooLarge      an answer that is too long to be read
├── ServerFault             5xx                                                repeatable, but 501…
├── RateLimited             429, or the API's code for it; a QuotaExhausted    repeatable, later
├── Unauthorized            401, or a code that names the key
├── Forbidden               403
├── NotFound                404
└── Refused                 400 and every other 4xx, and redirects             repeatable: PASSING

The API's own code wins over the status where it is known: an answer of 200 or 403 that says
RATE_LIMIT_EXCEEDED is one for the limits. What a reader of lists can do about an error:

page_too_large              ask for fewer rows: 413, AnswerTooLarge, Unfinished, ServerFault
offset_refused              read it another way: 400, 416 or 422 for a page behind the first
list_closed                 go on with the other list: 403, 404, 405, 410, 451, 501

Every text leads with the status and the API's own code, and ends with what to do. None holds a
header or a body: a body may carry a customer's address or a link that logs somebody in.
"""

from __future__ import annotations

import re
from typing import ClassVar

from pipelines.client.credentials import KEY_FORM, PARTNER_PLACE
from pipelines.errors import PrintoraError, QuotaExhausted

#: What a server cannot do today it cannot do in a second either.
_LASTING = frozenset({501, 505, 506, 510, 511})
#: Of the 4xx, what passes: 421 and 423 by their meaning, 460 and 499 in the words of balancers.
PASSING = frozenset({408, 421, 423, 425, 460, 499})
_OUT_OF_RANGE = frozenset({200, 400, 416, 422})
_CLOSED = frozenset({405, 410, 451, 501})


class ApiError(PrintoraError):
    """The API did not do what it was asked to do.

    ``status`` is the HTTP status, None without an answer; ``code`` the API's own code, such as
    ``INVALID_API_KEY``; ``request`` the method and path; ``offset`` the place of a list that was
    asked for, None where no list was.
    """

    advice: ClassVar[str] = (
        "The API says no in words that printora does not know: report the request and this text."
    )
    _passes: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        request: str,
        status: int | None = None,
        code: str | None = None,
        hint: str = "",
    ) -> None:
        lead = " ".join(str(part) for part in (status, code) if part)
        text = f"{lead}: {message}" if lead else message
        super().__init__(f"{text.rstrip('.')} ({request}).", hint=hint or self.advice)
        self.status = status
        self.code = code
        self.request = request
        self.offset: int | None = None

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed when it is sent again."""
        return (self._passes and self.status not in _LASTING) or self.status in PASSING

    @property
    def page_too_large(self) -> bool:
        """Whether a page of fewer rows may get through where this one did not."""
        too_much = isinstance(self, AnswerTooLarge | Unfinished) or self.status == 413
        return too_much or (isinstance(self, ServerFault) and self.passing)

    @property
    def offset_refused(self) -> bool:
        """Whether the API may refuse this place of the list, and not the request as such."""
        behind = self.offset is not None and self.offset > 0
        return behind and isinstance(self, Refused) and self.status in _OUT_OF_RANGE

    @property
    def list_closed(self) -> bool:
        """Whether this list is not to be had, whatever other lists are."""
        return isinstance(self, Forbidden | NotFound) or self.status in _CLOSED


class Unreachable(ApiError):  # noqa: N818 - named as httpx names its own
    """No complete answer arrived."""

    _passes = True
    advice = (
        "Check the network and SOURCES__PRINTORA__BASE_URL or SOURCES__PRINTORA__ENVIRONMENT, "
        "then run again; nothing was lost."
    )


class Unfinished(Unreachable):
    """The connection stood, and no whole answer came through it in time."""


class MalformedAnswer(ApiError):  # noqa: N818
    """An answer arrived that the contract of the API does not know."""

    _passes = True
    advice = (
        "Check that SOURCES__PRINTORA__BASE_URL names the API itself and not a page or a proxy; "
        "if it does, the API has changed: report the request and this text."
    )


class AnswerTooLarge(MalformedAnswer):
    """An answer arrived that is longer than one may be; asking again brings the same."""

    _passes = False


class ServerFault(ApiError):  # noqa: N818
    """The API failed on its side (5xx)."""

    _passes = True
    advice = "The fault is on the API's side: run again later; what was read is kept."


class RateLimited(ApiError, QuotaExhausted):  # noqa: N818
    """The API refused because of its limits, and went on refusing (429)."""

    _passes = True
    advice = (
        "Something else uses the same key: lower its traffic or run again later; what was read is "
        "kept."
    )


class Unauthorized(ApiError):  # noqa: N818
    """The API does not accept the key (401)."""

    advice = (
        "Check SOURCES__PRINTORA__API_KEY: the key may be revoked, or belong to the other mode. "
        f"It looks like {KEY_FORM}."
    )


class Forbidden(ApiError):  # noqa: N818
    """The key may not see this (403)."""

    advice = (
        "Check that SOURCES__PRINTORA__PARTNER_ID is the partner that the key belongs to. "
        f"{PARTNER_PLACE}"
    )


class NotFound(ApiError):  # noqa: N818
    """The path or the thing does not exist (404)."""

    advice = "Check SOURCES__PRINTORA__API_VERSION (1.0 and 1.1 differ in their paths)."


class Refused(ApiError):  # noqa: N818
    """The API understood and said no (other 3xx and 4xx)."""

    advice = "The request is not one that this API takes: check the settings, or report it."


_BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    429: RateLimited,
}
#: The API's codes (G), and the words that gateways have for the same things.
_BY_CODE: tuple[tuple[re.Pattern[str], type[ApiError]], ...] = (
    (re.compile(r"(?i)unauthori[sz]ed|unauthenticated"), Unauthorized),
    (re.compile(r"(?i)forbidden|access_?denied"), Forbidden),
    (re.compile(r"(?i)not_?found"), NotFound),
    (re.compile(r"(?i)internal|unavailable|time_?out"), ServerFault),
    (re.compile(r"(?i)validation|bad_?request"), Refused),
)
_OF_THE_KEY = re.compile(r"(?i)api_?key")
_OF_LIMITS = re.compile(r"(?i)rate_?limit|too_?many_?requests|quota|throttl|^429$")
_WORDS_OF_LIMITS = re.compile(r"(?i)rate.?limit|too many requests")


def speaks_of_limits(
    status: int, code: str | None, message: str | None, *, retry_after: bool
) -> bool:
    """Tell whether an answer that is no success refuses for the limits, however it is dressed."""
    if code:
        return bool(_OF_LIMITS.search(code)) or status == 429
    # A 403 that says when to come again is one for now and not for good.
    dressed = _WORDS_OF_LIMITS.search((message or "")[:100]) or (status == 403 and retry_after)
    return bool(dressed) or status == 429


def error_class(status: int, code: str | None = None) -> type[ApiError]:
    """Return the class for an answer that is no success; the API's code wins where it is known."""
    if status >= 500:
        return ServerFault
    if code and _OF_THE_KEY.search(code):
        return Unauthorized
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 300 and code and re.fullmatch("[45][0-9]{2}", code):
        return error_class(int(code))
    named = (kind for words, kind in _BY_CODE if code and words.search(code))
    return next(named, ApiError if status < 300 else Refused)
