"""Times into the days, months and nights of the site's time zone. Pure.

A night is noon to noon and has the day on which it begins: what started at 02:00 on the 20th is of
the night of the 19th.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

NOON = timedelta(hours=12)


def day_of(when: int | None, zone: ZoneInfo) -> str:
    """'2026-11-22' in a zone; a time that no calendar has counts as 1970-01-01."""
    return _moment(when, zone).strftime("%Y-%m-%d")


def month_of(when: int | None, zone: ZoneInfo) -> str:
    """'2026-11' in a zone."""
    return _moment(when, zone).strftime("%Y-%m")


def night_of(when: int | None, zone: ZoneInfo) -> str:
    """'2026-11-19': the day at whose noon the night began, by the clocks of the zone."""
    # Without its zone: noon is what clocks show, also on the day that they are put back.
    return (_moment(when, zone).replace(tzinfo=None) - NOON).strftime("%Y-%m-%d")


def _moment(when: int | None, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromtimestamp(when or 0, zone)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, zone)
