"""The drawing of the layers is the contract that the linter holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_layers_in_the_docs_are_those_that_the_linter_holds() -> None:
    """A drawing that nobody holds to is false after the next change, and was."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = project["tool"]["importlinter"]["contracts"][0]
    layers = [re.findall(r"[a-z_.]+", layer) for layer in contract["layers"]]
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^\| `([a-z_.]+)` \|", text, re.MULTILINE)
    place = {name: number for number, layer in enumerate(layers) for name in layer}
    assert sorted(drawn) == sorted(place)
    assert [place[name] for name in drawn] == sorted(place.values())
