"""Regions of Aurora DSQL, as known in July 2026: the list grows, so a Region that is missing may exist.

Source: AWS Backup developer guide, "Feature availability by AWS Region" and its document history. A
multi-Region cluster has two active Regions and a witness Region, all of one set (user guide,
"Configuring multi-Region clusters").
"""

from collections.abc import Mapping
from typing import Final

REGION_SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "Americas": ("us-east-1", "us-east-2", "us-west-2", "ca-central-1", "ca-west-1"),
    "Europe": ("eu-central-1", "eu-north-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
    "Asia-Pacific": (
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
    ),
}
"""Regions of which multi-Region clusters are made, by the name of their set."""

SINGLE_REGIONS: Final = ("ap-east-1", "ap-southeast-2", "ap-southeast-4", "sa-east-1")
"""Regions of single-Region clusters only."""

REGIONS: Final = tuple(region for regions in (*REGION_SETS.values(), SINGLE_REGIONS) for region in regions)
"""All Regions."""


def region_set(region: str) -> str | None:
    """Return the name of a Region's set; `None` if it takes no part in multi-Region clusters."""
    return next((name for name, regions in REGION_SETS.items() if region in regions), None)
