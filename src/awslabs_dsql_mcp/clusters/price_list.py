"""Prices as AWS's price list has them.

Source: AWS Price List API reference, GetProducts: each product is a JSON text with its terms.
"""

import json
from collections.abc import Iterable
from typing import Any, Final, cast

from awslabs_dsql_mcp.dsql.prices import Price

SERVICE_CODE: Final = "AuroraDSQL"
REGION: Final = "us-east-1"
"""Region of the price list's endpoint."""

_PLAUSIBLE: Final = (1.0, 100.0)  # dollars of a million DPUs: no price is told of a unit that was misread


def filters(region: str) -> list[dict[str, str]]:
    """Word the filters of GetProducts for a Region."""
    return [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]


def read_price(products: Iterable[str], region: str) -> Price | None:
    """Read the prices of a Region.

    Args:
        products: ``PriceList`` of GetProducts.
        region: The Region.

    Returns:
        The prices; `None` where the list has none, more than one for the same thing, or an odd one.
    """
    dpu, storage = set[float](), set[float]()
    for product in products:
        for unit, usd in _dimensions(json.loads(product)):
            if usd and "DPU" in unit.upper():
                dpu.add(usd)
            elif usd and unit.upper().startswith("GB-MO"):
                storage.add(usd)
    if len(dpu) != 1 or len(storage) != 1:
        return None
    price = Price(region, round(dpu.pop() * 1e6, 6), storage.pop(), "today")
    return price if _PLAUSIBLE[0] <= price.million_dpu <= _PLAUSIBLE[1] else None


def _dimensions(product: dict[str, Any]) -> Iterable[tuple[str, float]]:
    """Give unit and price of each dimension that is paid on demand."""
    if "stream" in json.dumps(product.get("product", {})).lower():
        return  # changes of data that are streamed have DPUs of their own
    terms = cast("dict[str, dict[str, Any]]", product.get("terms", {}).get("OnDemand", {}))
    for term in terms.values():
        for dimension in cast("dict[str, dict[str, Any]]", term.get("priceDimensions", {})).values():
            yield str(dimension.get("unit", "")), float(dimension.get("pricePerUnit", {}).get("USD", 0))
