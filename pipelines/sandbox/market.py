"""What the made-up shop sells, to where, and who carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np


@dataclass(frozen=True)
class Place:
    """A town that parcels go to, and how often."""

    country: str
    state: str
    city: str
    postal_code: str
    weight: float


@dataclass(frozen=True)
class Product:
    """Something to print on, with its price in cents."""

    sku: str
    name: str
    cents: int
    weight: float


PLACES: Final = (
    Place("US", "CA", "Los Angeles", "90012", 10),
    Place("US", "CA", "San Diego", "92101", 4),
    Place("US", "NY", "New York", "10007", 10),
    Place("US", "TX", "Austin", "78701", 6),
    Place("US", "TX", "Houston", "77002", 5),
    Place("US", "FL", "Miami", "33130", 5),
    Place("US", "IL", "Chicago", "60602", 6),
    Place("US", "WA", "Seattle", "98104", 4),
    Place("US", "GA", "Atlanta", "30303", 4),
    Place("US", "CO", "Denver", "80202", 3),
    Place("CA", "ON", "Toronto", "M5H 2N2", 5),
    Place("CA", "BC", "Vancouver", "V5Y 1V4", 3),
    Place("CA", "QC", "Montréal", "H2Y 1C6", 2),
    Place("GB", "England", "London", "SW1A 2AA", 6),
    Place("GB", "England", "Manchester", "M2 5DB", 2),
    Place("GB", "Scotland", "Edinburgh", "EH1 1YJ", 1),
    Place("DE", "Berlin", "Berlin", "10178", 3),
    Place("DE", "Bayern", "München", "80331", 2),
    Place("FR", "Île-de-France", "Paris", "75004", 3),
    Place("AU", "NSW", "Sydney", "2000", 3),
    Place("AU", "VIC", "Melbourne", "3000", 2),
    Place("BR", "SP", "São Paulo", "01007-040", 2),
)

CARRIERS: Final = ("USPS", "UPS", "FedEx", "DHL", "Canada Post", "Royal Mail")

#: Country to (carrier, share of its parcels, median days under way).
ROUTES: Final = {
    "US": (("USPS", 0.5, 4.2), ("UPS", 0.3, 3.1), ("FedEx", 0.2, 2.6)),
    "CA": (("Canada Post", 0.6, 6.5), ("UPS", 0.4, 4.6)),
    "GB": (("Royal Mail", 0.6, 7.0), ("DHL", 0.4, 4.4)),
    "DE": (("DHL", 0.9, 6.2), ("UPS", 0.1, 5.8)),
    "FR": (("DHL", 0.7, 6.8), ("UPS", 0.3, 6.1)),
    "AU": (("DHL", 0.6, 9.5), ("FedEx", 0.4, 8.0)),
    "BR": (("DHL", 0.5, 14.0), ("FedEx", 0.5, 12.0)),
}

PRODUCTS: Final = (
    Product("TEE", "T-shirt", 2499, 30),
    Product("MUG", "Mug", 1495, 20),
    Product("HOOD", "Hoodie", 4950, 12),
    Product("CANV", "Canvas 40 x 60", 5999, 10),
    Product("POST", "Poster A2", 1999, 14),
    Product("CASE", "Phone case", 1999, 9),
    Product("TOTE", "Tote bag", 1750, 6),
    Product("PUZZ", "Puzzle, 500 pieces", 2999, 4),
)

#: Payment method to (share, median seconds from the order to the payment).
PAYMENTS: Final = {"card": (0.72, 40.0), "paypal": (0.20, 90.0), "bank_transfer": (0.08, 72_000.0)}

MODES: Final = ("image", "creator", "merch")
MODE_SHARES: Final = (0.82, 0.12, 0.06)
CREATORS: Final = 40

PLACE_SHARES: Final = np.array([place.weight for place in PLACES]) / sum(p.weight for p in PLACES)
PRODUCT_SHARES: Final = np.array([p.weight for p in PRODUCTS]) / sum(p.weight for p in PRODUCTS)
PRODUCT_CENTS: Final = np.array([product.cents for product in PRODUCTS])


def _routes() -> tuple[np.ndarray, np.ndarray]:
    """Return, per place and carrier, the cumulative share and the median days under way."""
    shares = np.zeros((len(PLACES), len(CARRIERS)))
    days = np.ones_like(shares)
    for row, place in enumerate(PLACES):
        for carrier, part, median in ROUTES[place.country]:
            column = CARRIERS.index(carrier)
            shares[row, column], days[row, column] = part, median
    return shares.cumsum(axis=1), days


ROUTE_SHARES, ROUTE_DAYS = _routes()
