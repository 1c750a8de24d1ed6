"""A browser for the tests of views, once for all of a worker."""

from collections.abc import AsyncIterator

import pytest

from conftest import ServerOn, held
from views.browser import Absent, ViewClient, view_client


@pytest.fixture(scope="session")
async def views(on_cluster: ServerOn, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ViewClient]:
    """A client that shows views, of a server that may write."""
    flags = ("--allow-writes", "--export-dir", str(tmp_path_factory.mktemp("own")))
    try:
        async with held(view_client(on_cluster(*flags))) as client:
            yield client
    except Absent as reason:
        pytest.skip(str(reason))
