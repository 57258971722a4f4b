"""Whether a key and a partner id can be what Printora gave. No error repeats either."""

from __future__ import annotations

import re

from pipelines.errors import ConfigurationError

#: All of ASCII that can be seen, without what stands around a key in a file or a manual.
_KEY = re.compile(r"(?=.*[A-Za-z0-9])[!#-&(-;=?-~]+")
#: What is no part of a path, so that the id would not arrive as it stands.
_PARTNER = re.compile(r"(?=.*[A-Za-z0-9])[!$&-.0-;=@-~]+")
KEY_FORM = "sk_live_… or sk_test_… (in some accounts pk_live_… or pk_test_…)"
#: Where a partner id is found.
PARTNER_PLACE = (
    "Printora gives the partner id with the key: it is what stands for PARTNER_ID in "
    "/api/v1/partners/PARTNER_ID/orders."
)


def key_mode(key: str) -> str | None:
    """Return whether a key is a ``test`` key or a ``live`` one; None where it does not show it."""
    found = re.match(r"[a-z]+_(test|live)_", key)
    return found and found[1]


def refuse_key(key: str) -> None:
    """Refuse what no key can be.

    Raises:
        ConfigurationError: it is empty, or has a blank, a quote or a letter that is not ASCII.
    """
    if not _KEY.fullmatch(key):
        raise ConfigurationError(
            "SOURCES__PRINTORA__API_KEY is empty, or holds characters that no key has.",
            hint=f"A key looks like {KEY_FORM}, in letters, digits and _. Copy it again, whole, "
            "without spaces, breaks and quotes, and without the word Bearer.",
        )


def refuse_partner(partner: str) -> None:
    """Refuse what no partner id can be.

    Raises:
        ConfigurationError: it is a key, or has a blank, a slash or a letter that is not ASCII.
    """
    is_key = key_mode(partner) is not None
    if is_key or not _PARTNER.fullmatch(partner):
        what = "is an API key" if is_key else "holds characters that no id has"
        raise ConfigurationError(f"SOURCES__PRINTORA__PARTNER_ID {what}.", hint=PARTNER_PLACE)
