"""People's data in the warehouse: what is kept of them, by which key, and how it goes again.

``guard`` stands before each sync: it knows by which rule and key the stored rows were made, scrubs
what a stricter rule no longer allows, and returns the rule for the rows to come. ``erase`` stands
behind it: who was forgotten stays forgotten, though the API still tells of them.

Whatever removes something rewrites the file afterwards: DuckDB keeps the bytes of deleted rows
until it has another use for their place.
"""

from pipelines.people.forgetting import erase
from pipelines.people.guard import guard, keys_for
from pipelines.people.rewrite import rewrite

__all__ = ["erase", "guard", "keys_for", "rewrite"]
