"""Times and ages in words, in UTC."""

from datetime import datetime, timedelta, timezone

_TWO_HOURS, _TWO_DAYS = timedelta(hours=2), timedelta(days=2)


def minute(moment: datetime) -> str:
    """Write a time to the minute."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def age(passed: timedelta) -> str:
    """Write how long ago something was, in minutes, hours or days."""
    if passed < _TWO_HOURS:
        return f"{max(0, passed // timedelta(minutes=1))} min"
    if passed < _TWO_DAYS:
        return f"{passed // timedelta(hours=1)} h"
    return f"{passed // timedelta(days=1)} days"
