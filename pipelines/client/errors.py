"""What can go wrong between us and the API.

ApiError                    status, code, request; PrintoraError's message and hint
├── Unreachable             no answer: DNS, refused, cut, timed out            repeatable
├── MalformedAnswer         an answer that is not what the API promises        repeatable
├── ServerFault             5xx                                                repeatable
├── RateLimited             429                                                repeatable, later
├── Unauthorized            401
├── Forbidden               403
├── NotFound                404
└── Refused                 400 and every other 4xx, and redirects

Every text leads with the status and the API's own code, and ends with what to do. None holds a
header or a body: a body may carry a customer's address or a link that logs somebody in.
"""

from __future__ import annotations

from typing import ClassVar

from pipelines.errors import PrintoraError


class ApiError(PrintoraError):
    """The API did not do what it was asked to do.

    ``status`` is the HTTP status, None without an answer; ``code`` the API's own code, such as
    ``INVALID_API_KEY``; ``request`` the method and path.
    """

    #: Whether the same request may succeed when it is sent again.
    passing: ClassVar[bool] = False
    advice: ClassVar[str] = ""

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


class Unreachable(ApiError):  # noqa: N818 - named as httpx names its own
    """No complete answer arrived."""

    passing = True
    advice = (
        "Check the network and SOURCES__PRINTORA__BASE_URL or SOURCES__PRINTORA__ENVIRONMENT, "
        "then run again; nothing was lost."
    )


class MalformedAnswer(ApiError):  # noqa: N818
    """An answer arrived that the contract of the API does not know."""

    passing = True
    advice = (
        "Check that SOURCES__PRINTORA__BASE_URL names the API itself and not a page or a proxy; "
        "if it does, the API has changed: report the request and this text."
    )


class ServerFault(ApiError):  # noqa: N818
    """The API failed on its side (5xx)."""

    passing = True
    advice = "The fault is on the API's side: run again later; what was read is kept."


class RateLimited(ApiError):  # noqa: N818
    """The API refused because of its limits (429)."""

    passing = True
    advice = "Something else uses the same key: lower its traffic or run again later."


class Unauthorized(ApiError):  # noqa: N818
    """The API does not accept the key (401)."""

    advice = (
        "Check SOURCES__PRINTORA__API_KEY: the key may be revoked, or belong to the other mode."
    )


class Forbidden(ApiError):  # noqa: N818
    """The key may not see this (403)."""

    advice = "Check that SOURCES__PRINTORA__PARTNER_ID is the partner that the key belongs to."


class NotFound(ApiError):  # noqa: N818
    """The path or the thing does not exist (404)."""

    advice = "Check SOURCES__PRINTORA__API_VERSION (1.0 and 1.1 differ in their paths)."


class Refused(ApiError):  # noqa: N818
    """The API understood and said no (other 3xx and 4xx)."""

    advice = "The request is not one that this API takes: check the settings, or report it."


BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    429: RateLimited,
}


def error_class(status: int) -> type[ApiError]:
    """Return the class for an HTTP status that is not a success."""
    if status >= 500:
        return ServerFault
    return BY_STATUS.get(status, Refused)
