"""From a record on the wire to a row of a raw table: the careful path, one record at a time.

A field is found under any of its names, in any case, at the top or inside the objects that the
API's texts put it in. What has no column goes to ``extra``. A value that cannot be read costs
that value; only a record whose key cannot be read is no row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from pipelines.decoding import Undecodable
from pipelines.source import values
from pipelines.source.allowed import marker
from pipelines.source.fields import Fields, part_of
from pipelines.source.fingerprints import fingerprint, same_fingerprint
from pipelines.source.money import currency_in
from pipelines.source.privacy import REMOVED, Privacy, without_secrets
from pipelines.source.records import Issue, Parsed, Rejected, Row
from pipelines.source.session_fields import labels
from pipelines.source.shapes import SESSION_ID, SHAPES, Shape
from pipelines.source.values import BadValueError
from pipelines.source.writer import Writer

__all__ = [
    "SESSION_ID",
    "SHAPES",
    "Issue",
    "Parsed",
    "Parser",
    "Rejected",
    "Row",
    "Shape",
    "fingerprint",
    "same_fingerprint",
]

#: A record in quarantine is there to be looked at: of a longer one, its length and hash are kept.
_LONGEST_KEPT = 100_000
#: Texts of a column come again and again: so many are remembered, with what they were read as.
_MOST_REMEMBERED = 8192
_LONGEST_REMEMBERED = 200


class Parser:
    """Turns one resource's records into rows, under one privacy rule."""

    def __init__(self, resource: str, privacy: Privacy, shape: Shape | None = None) -> None:
        self.shape = shape or SHAPES[resource]
        self.privacy = privacy
        #: The API's own spelling of each status that was read, by the word in the rows.
        self.spellings: dict[str, str] = {}
        self.writer = Writer(privacy)
        self._resource = resource
        self._kinds = self.shape.kinds
        self._readers = self.shape.readers
        self._texts = frozenset(self.shape.texts)
        self._ids = frozenset(name for name in self.shape.names if name.endswith("_id"))
        self._known = lru_cache(maxsize=_MOST_REMEMBERED)(self._read)

    def parse(self, record: Any, *, seen_at: datetime, place: str) -> Parsed | Rejected:
        """Return the row, with what could not be read of it, or why there is none."""
        if not isinstance(record, Mapping):
            return self._reject_other(record, place)
        fields: Fields | None = None
        try:
            fields = Fields(record)
            reading = _Reading(fields, self._key(fields), self._resource, place, self.privacy)
            row = self._columns(reading)
        except BadValueError as error:
            return self._reject(record, fields, str(error), place)
        except RecursionError:
            return self._reject(None, None, "the record is nested too deeply", place)
        row["_fingerprint"] = fingerprint(row)
        row["_seen_at"] = seen_at
        return Parsed(row, reading.issues)

    def _key(self, fields: Fields) -> str:
        column = self.shape.key
        name, value = fields.first(self.shape.names[column])
        try:
            key = self._value(column, fields, name, value)
        except BadValueError as error:
            raise BadValueError(f"{name} {error}") from None
        if key is None:
            raise BadValueError(f"{column} is missing")
        return str(key)

    def value(self, column: str, value: Any) -> Any:
        """Return what a column has of a field's value.

        Raises:
            BadValueError: the column cannot take it as it stands.
        """
        if value is None:
            return None
        is_text = type(value) is str
        if not is_text and column in self.shape.inside and isinstance(value, Mapping):
            parts = (part_of(value, step) for step in self.shape.inside[column])
            value = next((part for part in parts if part is not None), value)
        if column in self._ids:
            found = self._readers[column](value)
            return found and self.privacy.id(found)
        if column not in self._texts:
            return self._readers[column](value)
        is_known = is_text and len(value) <= _LONGEST_REMEMBERED
        found = self._known(column, value) if is_known else self._read(column, value)
        return found and self._folded(column, found) if column in self.shape.words else found

    def _read(self, column: str, value: Any) -> Any:
        """Read a text that may hold a secret, or a sentence in place of a word."""
        found = self._readers[column](value)
        return found if found is None else self.privacy.text(column, found)

    def _folded(self, column: str, word: str) -> str:
        if column == "status":
            self.spellings[word.lower()] = word
        return word.lower()

    def _value(self, column: str, fields: Fields, name: str, value: Any) -> Any:
        if fields.is_twofold(name):
            raise BadValueError("stands there twice, with different values")
        return self.value(column, value)

    def _columns(self, reading: _Reading) -> Row:
        row: Row = dict.fromkeys(self._kinds)
        fields = reading.fields
        for column, names in self.shape.names.items():
            name, value = fields.first(names)
            if value is None and not fields.is_twofold(name):
                continue
            try:
                row[column] = self._value(column, fields, name, value)
            except BadValueError as error:
                row[column] = error.instead
                reading.note(column, name, str(error), value, error.instead)
                if error.instead is None:
                    fields.leave(name)
            if values.says_more(value, row[column]):
                fields.leave(name)
        if "customer_pseudonym" in row:
            email = fields.first(self.shape.email)[1]
            row["customer_pseudonym"] = self.privacy.pseudonym(email)
        if self.privacy.keep_personal:
            reading.write(row, "personal", lambda: self._personal(fields))
        if "total_amount" in self.shape.names:
            self._name_currency(row, reading)
        if "_origin" in row:
            row["_origin"] = "list"
        self._write_json(row, reading)
        return row

    def _name_currency(self, row: Row, reading: _Reading) -> None:
        """Fill in the currency, which the amount may name itself."""
        said, named = row["currency"] and row["currency"].upper(), None
        if row["total_amount"] is not None:
            name, amount = reading.fields.first(self.shape.names["total_amount"])
            named = currency_in(amount)
        if said and named and said != named:
            row["total_amount"] = None
            reading.fields.leave(name)
            reading.note("total_amount", name, "names another currency than `currency`", amount)
        row["currency"] = said or named

    def _write_json(self, row: Row, reading: _Reading) -> None:
        for column in ("items", "creator", "payload"):
            if column in self._kinds:
                self._write_taken(row, column, reading)
        rest = reading.fields.rest(self.shape.person)
        reading.write(row, "extra", lambda: self._rest(rest))
        if "fields" in self._kinds:
            reading.write(
                row, "fields", lambda: values.as_json(labels(reading.fields, self.privacy) or None)
            )

    def _write_taken(self, row: Row, column: str, reading: _Reading) -> None:
        value = reading.fields.take(column)
        if value is not None:
            reading.write(row, column, lambda: self._written(value))

    def _written(self, value: Any) -> str | None:
        if self.privacy.keep_personal:
            return values.as_json(self.privacy.kept(value))
        return self.writer.text(value)

    def _rest(self, rest: dict[str, Any]) -> str | None:
        if self.privacy.keep_personal:
            # That a link was here is no fact about the row, and no event tells it.
            kept = self.privacy.kept(rest).items()
            return values.as_json({name: value for name, value in kept if value != REMOVED} or None)
        written = self.writer.text(rest)
        return None if written == "{}" else written

    def _personal(self, fields: Fields) -> str | None:
        found = {name: fields.first((name,))[1] for name in self.shape.person}
        kept = {name: without_secrets(value) for name, value in found.items() if value is not None}
        return values.as_json(kept or None)

    def _reject_other(self, record: Any, place: str) -> Rejected:
        """Reject what is no object, or could not even be decoded."""
        if isinstance(record, Undecodable):
            known = {"bytes": record.size, "blake2b": record.digest}
            return self._reject(known, None, record.reason, place)
        reason = f"the record is a JSON {values.kind_of(record)}, not an object"
        return self._reject(record, None, reason, place)

    def _reject(self, record: Any, fields: Fields | None, reason: str, place: str) -> Rejected:
        status = self._readable(fields, "status") if fields else None
        record, identity = self._safe(record)
        return Rejected(self._resource, reason, place, record, status, identity)

    def _safe(self, record: Any) -> tuple[str, str]:
        """Write what may stay of a bad record, and what tells it from others."""
        try:
            identity = self.privacy.identity(values.as_json(record))
            written = values.as_json(self.privacy.kept(record)) or "null"
        except (RecursionError, ValueError):
            return "null", ""
        if len(written) > _LONGEST_KEPT:
            return f'{{"characters":{len(written)}}}', identity
        return written.replace("\x00", "\\u0000"), identity

    def _readable(self, fields: Fields, column: str) -> str | None:
        """Return a text of a record that is otherwise bad, if at least that can be read."""
        try:
            text = values.text(fields.first(self.shape.names[column])[1])
        except BadValueError:
            return None
        return text and self.privacy.word(text.lower())


class _Reading:
    """One record while it is read, and what was wrong in it."""

    def __init__(
        self, fields: Fields, key: str, resource: str, place: str, privacy: Privacy
    ) -> None:
        self.fields = fields
        self._of = {"resource": resource, "key": key, "place": place}
        self._privacy = privacy
        self._issues: dict[str, Issue] = {}

    @property
    def issues(self) -> tuple[Issue, ...]:
        """At most one for each column."""
        return tuple(self._issues.values())

    def note(self, column: str, name: str, why: str, value: Any, instead: Any = None) -> None:
        """Note that a column could not take a field's value, and what it has instead."""
        self._issues[column] = Issue(
            **self._of,
            column=column,
            value_type=values.kind_of(value),
            reason=f"{name} {why}",
            outcome="null" if instead is None else "rounded",
            value=self._shown(name, value),
        )

    def _shown(self, name: str, value: Any) -> str | None:
        """Write a value, as far as it may stand under its name."""
        leaf = name.rpartition(".")[2]
        try:
            kept = self._privacy.kept({leaf: value}).get(leaf)
            return None if kept == marker(value) else values.as_json({leaf: kept})
        except (RecursionError, ValueError):
            return None

    def write(self, row: Row, column: str, written: Callable[[], str | None]) -> None:
        """Write what may stay of a value as JSON, if it can be written."""
        try:
            row[column] = written()
        except (RecursionError, ValueError):
            self.note(column, column, "is nested too deeply, or holds no JSON", {})
