"""Which models a selector means: ``fct_orders``, ``+fct_orders``, ``fct_orders+``, ``tag:day``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    from pipelines.warehouse.project import Model

_SELECTOR = re.compile(r"(?P<inputs>\+?)(?P<what>[^+]+)(?P<readers>\+?)")
_HINT = (
    "Name models like fct_orders or analytics.fct_orders, or tag:name; each model is a file in "
    "sql/. A + before it adds all that it reads, one after it all that reads it."
)


def select_models(models: Sequence[Model], selectors: Iterable[str]) -> frozenset[str]:
    """Return the qualified names that any of the selectors means; one text may hold several.

    Raises:
        ConfigurationError: a selector means no model, or could mean several of one name.
    """
    inputs = {model.qualified: model.depends_on for model in models}
    found: set[str] = set()
    for selector in (part for text in selectors for part in text.split()):
        match = _SELECTOR.fullmatch(selector)
        named = _named(models, match["what"]) if match else set()
        if match is None or not named:
            raise ConfigurationError(f"There is no model {selector}.", hint=_HINT)
        found |= named
        found |= reachable(named, inputs) if match["inputs"] else set()
        found |= reachable(named, reversed_edges(inputs)) if match["readers"] else set()
    return frozenset(found)


def reachable(start: Collection[str], edges: Mapping[str, Collection[str]]) -> set[str]:
    """Return all that the edges lead to from ``start``, however far, of what has edges itself."""
    found: set[str] = set()
    ahead = set(start)
    while ahead:
        ahead = {name for node in ahead for name in edges.get(node, ())} & edges.keys() - found
        found |= ahead
    return found


def reversed_edges(edges: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Return the edges the other way round: from what is read to what reads it."""
    turned: dict[str, set[str]] = {node: set() for node in edges}
    for node, targets in edges.items():
        for target in targets:
            turned.setdefault(target, set()).add(node)
    return turned


def _named(models: Sequence[Model], what: str) -> set[str]:
    kind, _, tag = what.partition(":")
    if tag:
        return {model.qualified for model in models if kind == "tag" and tag in model.tags}
    found = {model.qualified for model in models if what in (model.qualified, model.name)}
    if len(found) > 1:
        raise ConfigurationError(
            f"There are several models {what}.", hint=f"Choose of {', '.join(sorted(found))}."
        )
    return found
