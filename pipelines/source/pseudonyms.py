"""The keys of the pseudonyms: made once, kept apart from the API key, and never taken back.

A pseudonym goes through a chain of keys, oldest first: the first turns an address into a
pseudonym, each further one a pseudonym into another. So a key that got known is replaced by adding
one, the stored pseudonyms go through the new key alone, and one person stays one person: no
address is needed for it, and nothing is read again.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.words import counted

#: Characters of a key that a person chooses: whoever can guess it can test addresses.
SHORTEST = 32
_SETTING = "SOURCES__PRINTORA__PSEUDONYM_KEY"


@dataclass(frozen=True)
class Keys:
    """A chain of keys of 32 bytes, oldest first. Its length is its version.

    Without a key it is one that was lost, from ``place``: it raises where one is needed.
    """

    links: tuple[bytes, ...] = field(repr=False)
    place: Path | None = None

    @classmethod
    def new(cls) -> Keys:
        """Make a chain of one random key."""
        return cls((secrets.token_bytes(32),))

    @classmethod
    def of_setting(cls, text: str) -> Keys:
        """Return the chain that the setting names: keys, oldest first, with commas between them.

        Raises:
            ConfigurationError: the newest is short enough to be guessed.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts[-1]) < SHORTEST:
            raise ConfigurationError(
                f"{_SETTING} has {counted(len(parts[-1]), 'character')}: who guesses it can test "
                "addresses.",
                hint=f"Give at least {SHORTEST}, for example from `openssl rand -hex 32`; behind "
                "an older one and a comma, if pseudonyms of that are stored. Or leave it unset: "
                "a key is made then.",
            )
        return cls(tuple(hashlib.sha256(part.encode()).digest() for part in parts))

    @classmethod
    def of_api_key(cls, api_key: str) -> Keys:
        """Return the key that early versions derived from the API key."""
        return cls((hashlib.sha256(f"printora-elt pseudonyms {api_key}".encode()).digest(),))

    @property
    def version(self) -> int:
        """How often the key was replaced, and one."""
        return len(self.links)

    def fingerprint(self, version: int | None = None) -> str:
        """Return what tells one chain from another and nothing of its keys."""
        chain = b"".join(self.links[:version])
        return hashlib.blake2b(chain, digest_size=8, person=b"printora keys").hexdigest()

    def extended(self) -> Keys:
        """Return the chain with one more random key."""
        return Keys((*self.links, secrets.token_bytes(32)))

    def pseudonym(self, email: Any) -> str | None:
        """Return the same 32 hex digits for the same address, however it is written."""
        if not isinstance(email, str) or not email.strip():
            return None
        return self.renamed(_one_spelling(email), since=0)

    def renamed(self, pseudonym: str, since: int) -> str:
        """Take what has gone through the first ``since`` keys through the others."""
        self.require()
        for link in self.links[since:]:
            data = pseudonym.encode(errors="backslashreplace")
            pseudonym = hmac.digest(link, data, "sha256").hex()[:32]
        return pseudonym

    def identity(self, text: str) -> str:
        """Return a short text for a text, from which nobody can tell it. No rotation changes it."""
        self.require()
        data = text.encode(errors="backslashreplace")
        return hmac.new(self.links[0], data, hashlib.sha256).hexdigest()[:16]

    def require(self) -> None:
        """Refuse to go on without a key.

        Raises:
            ConfigurationError: it was lost.
        """
        if not self.links:
            raise ConfigurationError(
                f"The key of the stored pseudonyms is not there: {self.place}.",
                hint="Restore it from a backup, or run once with the API key that the last sync "
                "had: it opens the copy in the warehouse. If both are lost, `printora "
                "rotate-pseudonyms --lost` starts anew.",
            )

    def sealed(self, api_key: str) -> str:
        """Return a copy that only the API key opens: its holder can ask for the people anyway."""
        nonce, plain = secrets.token_bytes(16), b"".join(self.links)
        masked = _masked(plain, api_key, nonce)
        return (nonce + masked + _seal(api_key, nonce + masked)).hex()

    @classmethod
    def opened(cls, copy: str, api_key: str) -> Keys | None:
        """Open a sealed copy; None where it is none, or another API key's."""
        data = bytes.fromhex(copy)
        sealed, seal = data[:-16], data[-16:]
        if not sealed or not hmac.compare_digest(seal, _seal(api_key, sealed)):
            return None
        plain = _masked(sealed[16:], api_key, sealed[:16])
        return cls(tuple(plain[at : at + 32] for at in range(0, len(plain), 32)))


def key_file(warehouse: Path) -> Path:
    """Return where the keys of a warehouse are kept if no setting names them."""
    return warehouse.with_name(f"{warehouse.name}.pseudonym-key")


def read_keys(path: Path) -> Keys | None:
    """Read the chain, a key a line; None where there is no such file.

    Raises:
        ConfigurationError: it is not readable, or not as it was written.
    """
    try:
        links = tuple(bytes.fromhex(line) for line in path.read_text("ascii").split())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if not links or any(len(link) != 32 for link in links):
        raise _unreadable(path, "it does not hold keys of 64 hex digits, one a line")
    return Keys(links)


def write_keys(path: Path, keys: Keys) -> None:
    """Write the chain for its owner alone, whole or not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{link.hex()}\n" for link in keys.links)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _masked(data: bytes, api_key: str, nonce: bytes) -> bytes:
    """Mask the data, or unmask it, with bytes that only the key and the nonce give."""
    mask = hashlib.shake_256(b"printora key copy" + nonce + api_key.encode()).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, mask, strict=True))


def _seal(api_key: str, data: bytes) -> bytes:
    return hmac.new(api_key.encode(), b"printora key seal" + data, hashlib.sha256).digest()[:16]


def _one_spelling(email: str) -> str:
    """Return the form that all spellings of an address share: no blanks, no case, one accent."""
    spelled = unicodedata.normalize("NFKC", email).strip().casefold()
    return email if spelled == email else _one_spelling(spelled)


def _unreadable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The pseudonym key in {path} cannot be read: {why}.",
        hint="Restore it from a backup. If it is lost, `printora rotate-pseudonyms --lost` starts "
        "anew.",
    )
