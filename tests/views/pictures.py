"""The documents' pictures of the views: the server's answers on a small shop; `.ci/pictures` takes them."""

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from conftest import server
from support.direct_connection import run
from support.png import with_palette
from views.browser import TOP, ViewClient, view_client

PICTURES: Final = TOP / "docs" / "pictures"
WIDTH: Final = 840

_SHOP: Final = """\
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id bigint PRIMARY KEY, name text NOT NULL, city text NOT NULL);
CREATE TABLE shop.suppliers (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE shop.products (id bigint PRIMARY KEY, supplier_id bigint NOT NULL REFERENCES shop.suppliers,
  name text NOT NULL, price numeric(10,2) NOT NULL);
CREATE TABLE shop.orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES shop.customers,
  state text NOT NULL, ordered_at timestamptz NOT NULL);
CREATE TABLE shop.order_lines (order_id bigint REFERENCES shop.orders, product_id bigint
  REFERENCES shop.products, quantity int NOT NULL CHECK (quantity > 0), PRIMARY KEY (order_id, product_id));
INSERT INTO shop.customers SELECT g, 'Customer ' || g, 'Lyon' FROM generate_series(1, 300) g;
INSERT INTO shop.suppliers VALUES (1, 'Nordlicht'), (2, 'Atelier Blanc');
INSERT INTO shop.products VALUES (1, 1, 'Oak desk', 349), (2, 1, 'Oak chair', 189),
  (3, 1, 'Oak shelf', 129.5), (4, 2, 'Glass lamp', 79.9), (5, 2, 'Wall clock', 45), (6, 2, 'Linen rug', 240),
  (7, 2, 'Floor lamp', 119);
INSERT INTO shop.orders SELECT g, g * 7 % 300 + 1, CASE WHEN g % 40 = 0 THEN 'open' ELSE 'sent' END,
  timestamptz '2026-11-02 09:30Z' - g * interval '7 hours' FROM generate_series(1, 1200) g;
INSERT INTO shop.order_lines SELECT g, 1 + floor(7 * abs(sin(g))), g % 3 + 1
  FROM generate_series(1, 1200) g;
ANALYZE shop.customers;
ANALYZE shop.suppliers;
ANALYZE shop.products;
ANALYZE shop.orders;
ANALYZE shop.order_lines
"""
_SCRIPT: Final = """\
CREATE TABLE shop.reviews (id uuid PRIMARY KEY, product_id bigint, stars int);
INSERT INTO shop.reviews SELECT gen_random_uuid(), id, 5 FROM shop.products;
CREATE INDEX reviews_by_product ON shop.reviews (product_id);
INSERT INTO shop.products VALUES (7, 1, 'Desk lamp', 59.90);
ALTER TABLE shop.reviews ADD COLUMN body text;
"""


@dataclass(frozen=True)
class Shot:
    """What is seen in a picture.

    Attributes:
        tool: The tool whose answer is shown.
        arguments: Its arguments.
        ready: An expression that is true once the view shows it.
        clicks: What is clicked on then.
    """

    tool: str
    arguments: Mapping[str, Any]
    ready: str
    clicks: Sequence[str] = field(default=())


SHOTS: Final[Mapping[str, Shot]] = {
    "rows": Shot(
        "readonly_query",
        {
            "sql": "SELECT p.name AS product, sum(l.quantity * p.price) AS revenue, sum(l.quantity) AS sold,"
            " count(DISTINCT o.customer_id) AS customers, p.price, s.name AS supplier FROM shop.order_lines l"
            " JOIN shop.orders o ON o.id = l.order_id JOIN shop.products p ON p.id = l.product_id"
            " JOIN shop.suppliers s ON s.id = p.supplier_id GROUP BY p.id, s.id ORDER BY revenue DESC"
        },
        "!document.getElementById('tools').hidden",
        ("#chart",),
    ),
    "transaction": Shot(
        "transact",
        {
            "sql_list": [
                "UPDATE shop.products SET price = round(price * 0.9, 2) WHERE name LIKE 'Oak %'",
                "DELETE FROM shop.order_lines WHERE order_id = 40",
            ],
            "dry_run": True,
        },
        "!document.getElementById('run').hidden",
    ),
    "plan": Shot(
        "explain_query",
        {
            "sql": "SELECT id, customer_id FROM shop.orders WHERE state = 'open' ORDER BY ordered_at",
            "analyze": True,
        },
        "document.querySelector('.costly') !== null",
    ),
    "schema": Shot("get_schema", {}, "document.querySelectorAll('.box').length === 5"),
    "steps": Shot("migrate", {"statements": _SCRIPT}, "document.querySelectorAll('.state').length > 1"),
    "status": Shot(
        "cluster_status", {"cluster_id": "this"}, "document.querySelectorAll('tbody tr').length > 1"
    ),
}
"""What is shown of each view; what changes the shop stands behind the diagram of it."""


async def take(folder: Path) -> None:
    """Take a picture of each view.

    Args:
        folder: Where they go.

    Raises:
        Absent: There is no browser.
    """
    with tempfile.TemporaryDirectory(prefix="awslabs-dsql-mcp-") as data:
        on_shop = server("--local", "--local-data", data, "--allow-writes")
        async with local_cluster(Path(data)) as cluster, view_client(on_shop) as views:
            await run(cluster, *_SHOP.split(";\n"))
            await views.do("size", width=WIDTH, height=640)
            for name, shot in SHOTS.items():
                await _take(views, shot, folder / f"{name}.png")


async def _take(views: ViewClient, shot: Shot, path: Path) -> None:
    context = {"theme": "light", "containerDimensions": {"maxHeight": 900}}
    await views.open(shot.tool, shot.arguments, context=context)
    await views.wait(shot.ready)
    for selector in shot.clicks:
        await views.click(selector)
    await views.wait("document.documentElement.scrollHeight === innerHeight")
    await views.do("picture", path=str(path))


if __name__ == "__main__":
    made = Path(sys.argv[1]).resolve() if sys.argv[1:] else PICTURES
    asyncio.run(take(made))
    for picture in SHOTS:
        path = made / f"{picture}.png"
        path.write_bytes(with_palette(path.read_bytes()))
