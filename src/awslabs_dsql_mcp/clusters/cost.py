"""Usage and its cost in words.

What a month costs is an estimate from the days before; what a bill says is AWS's alone.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from awslabs_dsql_mcp.clusters.times import minute
from awslabs_dsql_mcp.clusters.usage import KINDS, Period, Usage
from awslabs_dsql_mcp.dsql.prices import FREE_DPU, FREE_GB, Price
from awslabs_dsql_mcp.text import pluralize

_MONTH: Final = 365.25 / 12  # days
_LEAST: Final = 0.5  # days from which a month is estimated
_MANY_CONFLICTS: Final = 0.01  # of the transactions that write


def usage_in_brief(usage: Usage, price: Price | None, period: Period) -> str:
    """Describe usage in a clause.

    Args:
        usage: The usage.
        price: The Region's prices; `None` if they are not known.
        period: Its days.
    """
    if not usage.days:
        return "no figures"
    size = "" if usage.storage_gb is None else f", {in_gb(usage.storage_gb)} stored"
    transactions = pluralize(usage.total("TotalTransactions"), "transaction")
    conflicts = pluralize(usage.total("OccConflicts"), "conflict")
    return f"{work_text(usage, price)} in {pluralize(period.days, 'day')}{size}, {transactions}, {conflicts}"


def usage_lines(usage: Usage, price: Price | None, period: Period, created: datetime) -> list[str]:
    """Describe a cluster's usage.

    Args:
        usage: The usage; some figures are there.
        price: The Region's prices; `None` if they are not known.
        period: Its days.
        created: When the cluster was created.
    """
    kinds = [f"{kind.removesuffix('DPU')} {usage.total(kind):,.2f}" for kind in KINDS if usage.total(kind)]
    work = f"{work_text(usage, price)}{': ' if kinds else ''}{', '.join(kinds)}"
    lines = [f"Usage from {period.start:%Y-%m-%d} to {minute(period.now)}: {work}."]
    if usage.has_dpu:
        lines.append(_monthly(usage, price, period.elapsed(created)))
    lines.append(_transactions(usage))
    if usage.conflict_share >= _MANY_CONFLICTS:
        lines.append(
            f"Of 100 transactions that write, {100 * usage.conflict_share:,.1f} meet SQLSTATE 40001: several "
            "change the same rows, or one runs long. Look for a row that all of them change (a counter, a "
            "sequence with CACHE 1), and keep transactions short."
        )
    if timeouts := usage.total("QueryTimeouts"):
        lines.append(f"{pluralize(timeouts, 'query timeout')}.")
    return lines


def _transactions(usage: Usage) -> str:
    """Count transactions and conflicts; a metric without figures is no zero."""
    if "TotalTransactions" not in usage.days:
        return "No figures of transactions."
    told = [pluralize(usage.total("TotalTransactions"), "transaction")]
    if "ReadOnlyTransactions" in usage.days:
        told.append(f", {usage.total('ReadOnlyTransactions'):,.0f} of them read-only")
    if "OccConflicts" in usage.days:
        told.append(f"; {pluralize(usage.total('OccConflicts'), 'conflict')} at COMMIT")
    if (latency := usage.latest("CommitLatency")) is not None:
        told.append(f"; commits of the last day took {latency:,.1f} ms (median)")
    return f"{''.join(told)}."


def work_text(usage: Usage, price: Price | None) -> str:
    """Write the DPUs of a usage, with what they cost."""
    if not usage.has_dpu:
        return "no figures of DPU"
    return f"{_dpu(usage.dpu)}{'' if price is None else f' ({dollars(price.of(usage.dpu))})'}"


def day_lines(usage: Usage) -> list[str]:
    """Write the DPUs of each day as CSV, where there are several; without a figure, the field is empty."""
    days = sorted({day for metric in ("TotalDPU", *KINDS) for day in usage.days.get(metric, {})})
    if len(days) < 2:  # noqa: PLR2004
        return []
    columns = [kind for kind in ("TotalDPU", *KINDS, "OccConflicts") if usage.total(kind)]
    metrics = [usage.days[column] for column in columns]
    rows = [",".join((f"{day}", *(_field(metric.get(day)) for metric in metrics))) for day in days]
    return [f"day,{','.join(columns)}", *rows]


def _field(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def usage_notes(
    usages: Collection[Usage] | None, missing: str, price: Price | None, region: str
) -> list[str]:
    """Say what figures of usage and cost are worth.

    Args:
        usages: The usage of each cluster; `None` if there is none.
        missing: Why there is none.
        price: The Region's prices; `None` if they are not known.
        region: The Region.
    """
    if usages is None:
        return [f"Usage: not known. {missing}"]
    told: list[str] = []
    if not any(usage.days for usage in usages):
        told.append("CloudWatch has no figures of these days: nothing ran, or the newest are still missing.")
    if any(usage.is_partial for usage in usages):
        told.append("CloudWatch did not give all figures: the totals are too low.")
    if price is None:
        told.append(
            f"Cost: not known. No price of {region} is published here, and AWS's price list gave none."
        )
    else:
        told.append(
            f"Prices: {price}. At most so much: each month {FREE_DPU:,} DPU and {FREE_GB} GB of an "
            "organisation are free. Backups and data transfer are billed besides."
        )
    return told


def _monthly(usage: Usage, price: Price | None, days: float) -> str:
    if days < _LEAST:
        return "What a month costs is not estimated: the figures are of less than half a day."
    monthly, stored = usage.dpu / days * _MONTH, usage.storage_gb
    work = f"A month at the rate of {days:,.1f} days: {_dpu(monthly)}"
    if price is None:
        return f"{work}, and storage of {'a size that is not known' if stored is None else in_gb(stored)}."
    work += f" (${price.of(monthly):,.2f})"
    if stored is None:
        return f"{work}, and storage, whose size is not known."
    stores = price.gb_month * stored
    total = price.of(monthly) + stores
    return f"{work} and storage of {in_gb(stored)} (${stores:,.2f}), together ${total:,.2f}."


def usage_facts(usage: Usage, price: Price | None) -> dict[str, object]:
    """Give usage as values for programs."""
    return {
        "dpu": usage.dpu,
        "usd": None if price is None else round(price.of(usage.dpu), 6),
        "storage_gb": usage.storage_gb,
        "transactions": usage.total("TotalTransactions"),
        "conflicts": usage.total("OccConflicts"),
        "partial": usage.is_partial,
        "days": {
            metric: {str(day): value for day, value in each.items()} for metric, each in usage.days.items()
        },
    }


def _dpu(number: float) -> str:
    return f"{number:,.0f} DPU" if number >= 100 else f"{number:.3g} DPU"  # noqa: PLR2004


def in_gb(number: float) -> str:
    """Write a size that is given in GB."""
    return f"{number:,.1f} GB" if number >= 1 else f"{1000 * number:,.0f} MB"


def dollars(amount: float) -> str:
    """Write an amount of money."""
    return f"${amount:,.2f}" if amount >= 0.01 or not amount else "under $0.01"  # noqa: PLR2004 - a cent
