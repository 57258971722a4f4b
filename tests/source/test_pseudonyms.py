"""One person has one pseudonym: however the address is written, whatever becomes of the keys."""

from __future__ import annotations

import stat
import unicodedata
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pipelines.errors import ConfigurationError
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys, key_file, read_keys, write_keys

ADDRESSES = st.builds("{}@{}.example".format, st.text(min_size=1).map(str.strip), st.just("a"))


@given(ADDRESSES, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_every_spelling_of_an_address_is_one_person(email: str, form: Any) -> None:
    """One customer would count as two: by a capital letter, a blank, an accent typed elsewhere."""
    keys = Keys((b"k" * 32,))
    spelled = unicodedata.normalize(form, email)
    assert keys.pseudonym(f" {spelled} ") == keys.pseudonym(email)
    assert keys.pseudonym(email.casefold()) == keys.pseudonym(email)


def test_pseudonyms_are_keyed() -> None:
    """Whoever has a list of addresses could recognise the people."""
    one, other = Keys.new(), Keys.new()
    assert one.pseudonym("a@example.com") != other.pseudonym("a@example.com")
    assert one.pseudonym("a@example.com") != one.pseudonym("b@example.com")
    assert [one.pseudonym(nobody) for nobody in (None, 12, "", " ")] == [None] * 4
    assert Privacy("none", one).pseudonym("a@example.com") is None


@given(ADDRESSES, st.integers(0, 3), st.integers(0, 3))
def test_a_stored_pseudonym_goes_through_the_new_keys_alone(
    email: str, before: int, added: int
) -> None:
    """After a rotation, a returning customer would be a new one."""
    old = Keys(tuple(bytes([number]) * 32 for number in range(before + 1)))
    new = old
    for _ in range(added):
        new = new.extended()
    stored = old.pseudonym(email)
    assert stored is not None
    assert new.renamed(stored, since=old.version) == new.pseudonym(email)
    assert new.fingerprint(old.version) == old.fingerprint()
    assert (new.fingerprint() == old.fingerprint()) == (added == 0)


def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Everybody on the machine could test addresses; or the key would not be the same tomorrow."""
    path = key_file(tmp_path / "new" / "printora.duckdb")
    assert read_keys(path) is None
    keys = Keys.new().extended()
    write_keys(path, keys)
    assert read_keys(path) == keys
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["printora.duckdb.pseudonym-key"]


@pytest.mark.parametrize("content", ["", "zz", "00ff", "é"])
def test_a_damaged_key_file_is_refused(tmp_path: Path, content: str) -> None:
    """A key that is cut off would give everybody a second pseudonym, and silently."""
    path = tmp_path / "k"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_keys(path)


def test_a_key_that_can_be_guessed_is_refused() -> None:
    """`a` as a key is none: anybody could test addresses. An older one may stand before the new."""
    with pytest.raises(ConfigurationError, match="has 31 characters"):
        Keys.of_setting("k" * 31)
    with pytest.raises(ConfigurationError):
        Keys.of_setting("k" * 32 + ",a")
    assert Keys.of_setting("a, " + "k" * 32).version == 2
    assert "k" not in repr(Keys.of_setting("k" * 32)).removeprefix("Keys")
