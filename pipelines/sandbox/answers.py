"""Requests and answers of the vendor's API, before they become HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as the API sees it. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """Return the body's object; what is not one is the caller's error."""
        try:
            content = json.loads(self.body or b"{}")
        except ValueError:
            raise invalid("The body is not JSON.") from None
        if not isinstance(content, dict):
            raise invalid("The body is not an object.")
        return content


@dataclass(frozen=True)
class Answer:
    """One answer: a status and what becomes JSON."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - it is the API's answer, not the sandbox's failure
    """The API refuses a request, in its error envelope."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def answer(self) -> Answer:
        """Return the refusal as the API words it."""
        error = {"code": self.code, "message": self.message, "details": self.details}
        return Answer(self.status, {"success": False, "error": error})


def invalid(message: str, **details: Any) -> Refusal:
    """Return the refusal of a request that is not as it should be."""
    return Refusal(400, "VALIDATION_ERROR", message, **details)


def not_found(what: str) -> Refusal:
    """Return the refusal of a request for something that is not there."""
    return Refusal(404, "NOT_FOUND", f"{what} not found")
