"""The checks of the way to the endpoint: its name's addresses, and whether they take connections."""

import asyncio
import errno
import socket
from ipaddress import ip_address

from awslabs_dsql_mcp.doctor.context import CheckContext, run_in_daemon_thread
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


async def dns(patient: CheckContext) -> CheckOutcome:
    """Look the endpoint's name up."""
    fixed = patient.fixed_address
    if fixed is not None:
        patient.addresses = (fixed,)
        source = "the local cluster's" if patient.settings.local else "given by PGHOSTADDR"
        return CheckOutcome(f"Not asked: {fixed} is {source}.")
    host, limit = patient.cluster.host, patient.settings.connect_timeout
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
    patient.addresses = found
    return CheckOutcome(f"IPv4 {_listed(found, 4)}, IPv6 {_listed(found, 6)}.")


def _look_up(host: str) -> tuple[str, ...]:
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in entries))


def _listed(addresses: tuple[str, ...], version: int) -> str:
    fitting = [address for address in addresses if ip_address(address.partition("%")[0]).version == version]
    return ", ".join(fitting) or "none"


async def tcp(patient: CheckContext) -> CheckOutcome:
    """Connect to each address; the ones that answer are kept, in their order."""
    port, limit = patient.port, patient.settings.connect_timeout
    outcomes = await asyncio.gather(*(_connect(address, port, limit) for address in patient.addresses))
    tried = list(zip(patient.addresses, outcomes, strict=True))
    answering = tuple(address for address, error in tried if error is None)
    refusing = [(address, error) for address, error in tried if error is not None]
    if not answering:
        return _unreachable(refusing, port)
    patient.addresses = answering
    says = f"{', '.join(answering)} port {port} takes connections."
    if not refusing:
        return CheckOutcome(says)
    silent = "; ".join(f"{address}: {_words(error)}" for address, error in refusing)
    return warning(
        f"{says} Not so {silent}.",
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
            remedy="Something drops the packets: open outgoing port 5432 in firewall, security group "
            "or VPN; PGPORT and PGHOSTADDR must fit.",
        )
    if any(isinstance(error, ConnectionRefusedError) for error in errors):
        return failed(
            f"Nothing listens at {tried}.",
            code="refused",
            remedy="Check --cluster_endpoint and, if set, PGHOSTADDR and PGPORT (Aurora DSQL's is 5432).",
        )
    return failed(
        f"There is no way to {tried}.",
        code="no_route",
        remedy="Check this machine's network and VPN; on a host without IPv6 set PGHOSTADDR to an IPv4 "
        "address.",
    )
