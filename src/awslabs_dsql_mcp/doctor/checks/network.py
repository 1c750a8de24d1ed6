"""Checks of the endpoint's addresses and of TCP connections to them."""

import asyncio
import errno
import socket
from ipaddress import ip_address

from awslabs_dsql_mcp.daemon_thread import run_in_daemon_thread
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


async def dns(context: CheckContext) -> CheckOutcome:
    """Resolve the endpoint's name."""
    fixed = context.fixed_address
    if fixed is not None:
        context.addresses = (fixed,)
        source = "the local cluster's" if context.settings.local else "given by PGHOSTADDR"
        return CheckOutcome(f"Not used: {fixed} is {source}.")
    host, limit = context.cluster.host, context.settings.connect_timeout
    try:
        found = await asyncio.wait_for(run_in_daemon_thread(lambda: _look_up(host)), limit)
    except asyncio.TimeoutError:
        return failed(
            f"DNS gave no answer for {host} within {limit:g} s.",
            code="dns_timeout",
            remedy="Check this machine's DNS servers and VPN.",
        )
    except OSError as error:
        return failed(
            f"The endpoint's name {host} has no address: {error.strerror or error}.",
            code="unknown_host",
            remedy="Check --cluster_endpoint for a typing error, and this machine's DNS; a deleted "
            "cluster's name is gone too.",
        )
    context.addresses = found
    return CheckOutcome(f"IPv4 {_listed(found, 4)}, IPv6 {_listed(found, 6)}.")


def _look_up(host: str) -> tuple[str, ...]:
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))


def _listed(addresses: tuple[str, ...], version: int) -> str:
    fitting = [address for address in addresses if ip_address(address.partition("%")[0]).version == version]
    return ", ".join(fitting) or "none"


async def tcp(context: CheckContext) -> CheckOutcome:
    """Connect to each address; keep those that accept connections, in order."""
    port, limit = context.port, context.settings.connect_timeout
    outcomes = await asyncio.gather(*(_connect(address, port, limit) for address in context.addresses))
    tried = list(zip(context.addresses, outcomes, strict=True))
    answering = tuple(address for address, error in tried if error is None)
    refusing = [(address, error) for address, error in tried if error is not None]
    if not answering:
        return _unreachable(refusing, port)
    context.addresses = answering
    says = f"{', '.join(answering)} port {port} accepts connections."
    if not refusing:
        return CheckOutcome(says)
    unreachable = "; ".join(f"{address}: {_words(error)}" for address, error in refusing)
    return warning(
        f"{says} Not reachable: {unreachable}.",
        code="address_unreachable",
        remedy=f"Connecting may be slow; PGHOSTADDR={answering[0]} skips the other addresses.",
    )


async def _connect(address: str, port: int, limit: float) -> OSError | None:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), limit)
    except asyncio.TimeoutError:
        return TimeoutError(errno.ETIMEDOUT, f"no answer within {limit:g} s")
    except OSError as error:
        return error
    writer.close()
    return None


def _words(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "no route" if error.errno in _NO_ROUTE else (error.strerror or str(error))


def _unreachable(refusing: list[tuple[str, OSError]], port: int) -> CheckOutcome:
    tried = "; ".join(f"{address} port {port}: {_words(error)}" for address, error in refusing)
    errors = [error for _, error in refusing]
    if any(isinstance(error, TimeoutError) for error in errors):
        return failed(
            f"Nothing answers at {tried}.",
            code="connect_timeout",
            remedy=f"Packets are dropped: open outgoing port {port} in firewall, security group "
            "or VPN; check PGPORT and PGHOSTADDR.",
        )
    if any(isinstance(error, ConnectionRefusedError) for error in errors):
        return failed(
            f"Nothing listens at {tried}.",
            code="refused",
            remedy="Check --cluster_endpoint and, if set, PGHOSTADDR and PGPORT (Aurora DSQL's is 5432).",
        )
    return failed(
        f"There is no route to {tried}.",
        code="no_route",
        remedy="Check this machine's network and VPN; on a host without IPv6 set PGHOSTADDR to an IPv4 "
        "address.",
    )
