"""Times into the days, months and nights of the site's time zone. Pure.

A night is noon to noon and has the day on which it begins: what started at 02:00 on the 20th is of
the night of the 19th.
"""

from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from zoneinfo import ZoneInfo

NOON = timedelta(hours=12)


def day_of(when: int | None, zone: ZoneInfo) -> str:
    """'2026-11-22' in a zone; a time that no calendar has counts as 1970-01-01."""
    return _moment(when, zone).date().isoformat()


def month_of(when: int | None, zone: ZoneInfo) -> str:
    """'2026-11' in a zone."""
    return day_of(when, zone)[:7]


def night_of(when: int | None, zone: ZoneInfo) -> str:
    """'2026-11-19': the day at whose noon the night began, by the clocks of the zone."""
    # Without its zone: noon is what clocks show, also on the day that they are put back.
    return (_moment(when, zone).replace(tzinfo=None) - NOON).date().isoformat()


def _moment(when: int | None, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromtimestamp(when or 0, zone)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, zone)
    # In the first and the last year the days beside it may have no date.
    return found if MINYEAR < found.year < MAXYEAR else datetime.fromtimestamp(0, zone)
