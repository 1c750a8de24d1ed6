"""pyarrow, which Parquet needs and which is an extra."""

from importlib import import_module
from typing import Any

from awslabs_dsql_mcp.errors import NotConfigured


def import_pyarrow(module: str = "pyarrow.parquet") -> Any:  # noqa: ANN401 - pyarrow has no types
    """Import a module of pyarrow.

    Raises:
        NotConfigured: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise NotConfigured(
            "Parquet files need pyarrow, which is not installed.",
            code="no_parquet",
            hint="Ask the operator to install awslabs-dsql-mcp[parquet]; or write CSV or JSON Lines.",
        ) from None
