"""How numbers, times and names are put into words, in tables, charts and stories alike."""

from __future__ import annotations

import math
from datetime import datetime

from crisis_sim.outcomes import text
from crisis_sim.scenario import printable

MINUS, UNKNOWN = text.MINUS, text.UNKNOWN
listed, count = text.listed, text.count

#: From this many hours on a duration is told in days.
DAYS_FROM_HOURS = 60.0

#: From this many days on a duration is told in whole days.
TENTHS_TO_DAYS = 30.0

#: Digits after the point that a small number is given, at most.
_MOST_DIGITS = 4

#: How each ending is named in a legend or a column.
ENDINGS: dict[str, str] = {
    "agreement": "agreement",
    "tacit": "tacit",
    "unilateral": "unilateral",
    "imposed": "imposed",
    "faded": "faded",
    "unresolved": "still going",
}


clean = printable.clean
markdown = printable.markdown


def label(name: str) -> str:
    """A short name as a reader sees it: `no_lenders` becomes "No lenders"."""
    words = clean(name.replace("_", " "))
    return words[:1].upper() + words[1:]


def shorten(text: str, length: int) -> str:
    """A text cut to a length. The middle gives way: names that begin alike differ at their end."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 3
    return text[: length - 1 - tail].rstrip() + "…" + text[len(text) - tail :].lstrip()


def percent(share: float, sign: bool = False) -> str:
    """A share as a percentage without its sign: to a tenth, with more where that would make it 0 or 100."""
    if not math.isfinite(share):
        return UNKNOWN
    value = 100.0 * share
    size = abs(value)
    apart = size if size < 0.95 else 100.0 - size if 99.95 <= size < 100.0 else 0.0
    digits = min(_MOST_DIGITS, 1 - math.floor(math.log10(apart))) if apart > 0.0 else 1
    return _signed(value, digits, sign)


def points(difference: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, always with its sign."""
    return _signed(100.0 * difference, digits, True)


def _signed(value: float, digits: int, sign: bool) -> str:
    """A number to so many digits; to more, where it would read as zero and would not show on which side it is."""
    if not math.isfinite(value):
        return UNKNOWN
    tried = (f"{abs(value):.{more}f}" for more in range(digits, max(digits, _MOST_DIGITS) + 1))
    written = next((one for one in tried if float(one) > 0.0), "")
    if not written:
        return f"{0.0:.{digits}f}"
    if value < 0:
        return MINUS + written
    return ("+" if sign else "") + written


def signed_hours(hours: float) -> str:
    """A difference in hours, always with its sign."""
    return _signed(hours, 0, True)


def plural(number: float, one: str, many: str = "") -> str:
    """A count and its noun: "1 day", "3 days"."""
    return f"{number:g} {one if number == 1 else many or one + 's'}"


def in_letters(number: int) -> str:
    """A small whole number as a word, a larger one in figures."""
    return _NUMBERS[number] if 0 <= number < len(_NUMBERS) else count(number)


_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def duration(hours: float) -> str:
    """A time span as a person would say it: minutes, hours or days."""
    if not math.isfinite(hours):
        return UNKNOWN
    if hours < 0.0:
        return MINUS + duration(-hours)
    if hours < 1.0:
        return plural(round(hours * 60.0), "minute")
    if hours < DAYS_FROM_HOURS:
        return plural(round(hours), "hour")
    days = hours / 24.0
    return plural(round(days, 1) if days < TENTHS_TO_DAYS else round(days), "day")


def after(hours: float, what: str) -> str:
    """A moment by what it comes after: "3 days after the trigger", or "3 days before the trigger"."""
    return f"{duration(abs(hours))} {'before' if hours < 0.0 else 'after'} {what}"


def sentence(text: str) -> str:
    """The text with a capital at its start and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def day_and_month(moment: datetime) -> str:
    """Such as "7 May", in the moment's own offset; the same in every locale."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Names that end in one of these take an article: the International Monetary Fund.
_COMMON_NOUNS = frozenset(
    (
        *("agency", "alliance", "bank", "commission", "committee", "community", "confederation"),
        *("council", "court", "emirates", "federation", "forum", "fund", "group", "islands"),
        *("kingdom", "league", "ministry", "nations", "organisation", "organization"),
        *("republic", "secretariat", "states", "union"),
    )
)


def with_article(title: str) -> str:
    """A title as it stands within a sentence: "the United States", "China", "the hotline"."""
    bare = title.strip()
    first, _, rest = bare.partition(" ")
    if not bare or (first.lower() in ("the", "a", "an") and rest):
        return bare
    if bare[0].islower() or bare.split()[-1].lower() in _COMMON_NOUNS:
        return f"the {bare}"
    return bare


def moment(at: datetime, year: bool = False) -> str:
    """Such as "Wednesday 7 May, 01:05", in the moment's own offset; the same in every locale."""
    day = f"{WEEKDAYS[at.weekday()]} {day_and_month(at)}{f' {at.year}' if year else ''}"
    return f"{day}, {at.hour:02d}:{at.minute:02d}"


def offset(at: datetime) -> str:
    """The offset from universal time, such as "UTC+5:30"; "local time" where there is none."""
    ahead = at.utcoffset()
    if ahead is None:
        return "local time"
    minutes = round(ahead.total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else MINUS}{hours}{f':{rest:02d}' if rest else ''}"
