"""Format numbers, durations, lists and names, and escape text from files."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

# Error messages use `printable`, which shows every character and escapes control characters. Tables, charts and
# stories use `clean`, which makes one line of a title or a name and drops invisible characters. `markdown` also
# escapes markup, for Markdown and the HTML made from it.

#: Invisible characters that some scripts need between letters.
JOINERS = "\u200c\u200d"

#: Unicode categories of control characters, format characters (such as direction marks) and surrogates.
_INVISIBLE = ("Cc", "Cf", "Cs")

#: Characters with a meaning within a line of GitHub-flavoured Markdown, formulas included.
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$#]")


def printable(text: str, *, also: str = "") -> str:
    """Escape all characters that could move a terminal's cursor or hide text, except those in `also`."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char in also
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def printable_lines(text: str) -> str:
    """Escape a text like `printable`, but keep line breaks and `JOINERS`."""
    return printable(text, also="\n" + JOINERS)


def printable_json(text: str) -> str:
    """Escape a JSON text like `printable_lines`, with JSON's escapes: the data stay the same."""
    return "".join(
        char if char.isprintable() or char in "\n" + JOINERS else _json_escape(char)
        for char in text
    )


def clean(text: str) -> str:
    """Put a text on one line and remove control and format characters."""
    visible = (
        " " if char.isspace() else char
        for char in text
        if char.isspace() or char in JOINERS or unicodedata.category(char) not in _INVISIBLE
    )
    return " ".join("".join(visible).split())


def markdown(text: str) -> str:
    """Clean a text and escape its markup: links, emphasis, HTML and formulas are shown literally."""
    return _MARKUP.sub(r"\\\g<0>", clean(text))


def _json_escape(char: str) -> str:
    """JSON's escape of a character, in UTF-16: two units for a character beyond the first plane."""
    units = char.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


# All sentences format their numbers with the functions below, so no "nan", no "−0" and no share without a denominator
# is printed.

MINUS = "−"
#: Written in place of an unknown number.
UNKNOWN = "–"
#: A difference counts as too small to detect if that would take more than this many times the replicates.
FAR_OUT_OF_REACH = 100.0


def is_known(value: float | None) -> bool:
    """Return whether a number is neither None nor NaN nor infinite."""
    return value is not None and math.isfinite(value)


def excludes_zero(lower: float | None, upper: float | None) -> bool:
    """Return whether an interval is entirely above or below zero; unknown limits count as infinite."""
    return (lower is not None and lower > 0.0) or (upper is not None and upper < 0.0)


def number(value: float | None, digits: int, sign: bool = False) -> str:
    """Format a number with a fixed number of decimals and commas between thousands.

    None, NaN and infinity become a dash. With `sign`, positive numbers get a plus. A number that rounds to zero has no sign.
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    figures = f"{abs(value):,.{digits}f}"
    if float(figures.replace(",", "")) == 0.0:
        return figures
    return (MINUS if value < 0.0 else "+" if sign else "") + figures


def limits(
    lower: float | None, upper: float | None, digits: int, noun: str = "", sign: bool = False
) -> str:
    """Format the limits of an interval: "58.1 to 64.2%", "at least 80 hours", "limits not known".

    Args:
        lower, upper: the limits; None, NaN or infinite if unknown.
        digits: decimals.
        noun: the unit after the last number, with its space if it needs one: "%", " hours".
        sign: whether positive numbers have a plus.
    """
    low, high = (number(limit, digits, sign) for limit in (lower, upper))
    if is_known(lower) and is_known(upper):
        return f"{low} to {high}{noun}"
    if is_known(lower):
        return f"at least {low}{noun}"
    return f"at most {high}{noun}" if is_known(upper) else "limits not known"


def over_fits(figure: Mapping[str, Any] | None, scale: float = 100.0, sign: bool = False) -> str:
    """Describe the range of a figure over fits: "over fits +9 to +31; same sign in 97%"; "" if it has none."""
    over = (figure or {}).get("over_fits")
    if not over:
        return ""
    low, high = scale * over["lower"], scale * over["upper"]
    sentence = f"over fits {limits(low, high, decimals(high - low), sign=sign)}"
    if (agree := over.get("same_sign")) is None:
        return sentence
    # Only a share of 1 may read as "all".
    share = f"{agree:.0%}" if agree < 0.995 else "over 99%" if agree < 0.9995 else "all"
    return f"{sentence}; same sign in {share}"


def goes_with(figure: Mapping[str, Any]) -> str:
    """Name the parameters that account for a figure's spread over fits, as a clause; "" if it has none."""
    over = figure.get("over_fits")
    if not over:
        return ""
    shares = over["goes_with"]
    if not shares and over["noise"] > 0.5:
        return "these replicates are too few to attribute that spread to parameters"
    if not shares:
        chance = f"chance alone can account for {over['noise']:.0%} of it"
        return f"no single parameter accounts for much of that spread ({chance})"
    names = [f"{path.removeprefix('behaviour.')} ({share:.0%})" for path, share in shares.items()]
    much = "most" if max(shares.values()) > 0.5 else "much"
    return f"{much} of that spread is associated with {listed(names[:_MOST_PARAMETERS])}"


#: The maximum number of parameters that `goes_with` names.
_MOST_PARAMETERS = 4


def decimals(width: float) -> int:
    """Return the number of decimals that shows an interval's width with two figures; 1 for a width of 0."""
    if not math.isfinite(width) or width <= 0.0:
        return 1
    return min(max(1 - math.floor(math.log10(width)), 0), 4)


def count(number: float) -> str:
    """Format a whole number with commas between thousands."""
    return f"{number:,.0f}" if math.isfinite(number) else UNKNOWN


def of_these(number: int, among: str) -> str:
    """Format a denominator: "all 20 crises", "the 1,760 crises with a first strike", "the only crisis"."""
    if number == 1:
        return "the only " + among.removeprefix("all ").replace("crises", "crisis", 1)
    if among.startswith("all "):
        return f"all {count(number)} {among.removeprefix('all ')}"
    return f"the {count(number)} {among}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Join items into a list: "a", "a and b", "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def round_up(number: float) -> int:
    """Round up to two figures: 38,412 becomes 39,000."""
    unit = int(10 ** max(math.floor(math.log10(number)) - 1, 0))
    return math.ceil(number / unit) * unit


def replicates_to_tell(estimate: float, lower: float, upper: float, replicates: int) -> int | None:
    """Return the number of replicates after which the interval would exclude zero if the estimate is right.

    The interval narrows with the square root of the replicates. The number is larger than `replicates`; None if the
    difference is too small for any practical number (`FAR_OUT_OF_REACH`).
    """
    reach = (upper - lower) / 2.0
    times = (reach / abs(estimate)) ** 2 if estimate else math.inf
    if not times <= FAR_OUT_OF_REACH:
        return None
    return round_up(1.1 * max(times, 1.0) * replicates)


#: Durations of at least this many hours are given in days.
DAYS_FROM_HOURS = 60.0

#: Durations of at least this many days are given in whole days.
_WHOLE_DAYS_FROM = 30.0

#: The maximum number of decimals of a small number.
_MOST_DIGITS = 4

#: The name of each ending in a legend or a column.
ENDINGS: dict[str, str] = {
    "agreement": "agreement",
    "tacit": "tacit",
    "unilateral": "unilateral",
    "imposed": "imposed",
    "faded": "faded",
    "unresolved": "still going",
}


def label(name: str) -> str:
    """Make a readable label of an identifier: `no_lenders` becomes "No lenders"."""
    return capitalize(clean(name.replace("_", " ")))


def shorten(text: str, length: int) -> str:
    """Shorten a text in the middle, since names that begin alike differ at the end."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 3
    return text[: length - 1 - tail].rstrip() + "…" + text[len(text) - tail :].lstrip()


def percent(share: float | None, sign: bool = False) -> str:
    """Format a share as a percentage without "%": one decimal, or more if that would round it to 0 or 100."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    value = 100.0 * share
    size = abs(value)
    gap = size if size < 0.95 else 100.0 - size if 99.95 <= size < 100.0 else 0.0
    digits = min(_MOST_DIGITS, 1 - math.floor(math.log10(gap))) if gap > 0.0 else 1
    return _signed(value, digits, sign)


def points(difference: float, digits: int = 1) -> str:
    """Format a difference of shares in percentage points, with its sign."""
    return _signed(100.0 * difference, digits, True)


def _signed(value: float, digits: int, sign: bool) -> str:
    """Format a number with `digits` decimals, or with more if it would read as zero."""
    if not math.isfinite(value):
        return UNKNOWN
    attempts = (f"{abs(value):.{n}f}" for n in range(digits, max(digits, _MOST_DIGITS) + 1))
    figures = next((attempt for attempt in attempts if float(attempt) > 0.0), "")
    if not figures:
        return f"{0.0:.{digits}f}"
    return (MINUS if value < 0 else "+" if sign else "") + figures


def signed_hours(hours: float) -> str:
    """Format a difference in hours, with its sign."""
    return _signed(hours, 0, True)


def exact(value: float) -> str:
    """Format a number with up to six decimals and commas, or with an exponent if it is very large or small."""
    if abs(value) >= 1e15 or 0 < abs(value) < 1e-4:
        return f"{value:g}"
    return f"{value:,.6f}".rstrip("0").rstrip(".").replace("-", MINUS)


def plural(number: float, singular: str, many: str = "") -> str:
    """Format a count with its noun: "1 day", "3 days"."""
    return f"{number:g} {singular if number == 1 else many or singular + 's'}"


def in_letters(number: int) -> str:
    """Spell a whole number up to twelve as a word; format a larger one in figures."""
    return _NUMBERS[number] if 0 <= number < len(_NUMBERS) else count(number)


_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


def duration(hours: float) -> str:
    """Format a time span in minutes, hours or days."""
    if not math.isfinite(hours):
        return UNKNOWN
    if hours < 0.0:
        return MINUS + duration(-hours)
    if hours < 1.0:
        return plural(round(hours * 60.0), "minute")
    if hours < DAYS_FROM_HOURS:
        return plural(round(hours), "hour")
    days = hours / 24.0
    return plural(round(days, 1) if days < _WHOLE_DAYS_FROM else round(days), "day")


def after(hours: float, event: str) -> str:
    """Format a moment relative to an event: "3 days after the trigger", "3 days before the trigger"."""
    return f"{duration(abs(hours))} {'before' if hours < 0.0 else 'after'} {event}"


def capitalize(text: str) -> str:
    """Capitalise the first letter of a text; the rest is unchanged."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """Capitalise a text and end it with a full stop."""
    text = text.strip()
    if not text:
        return ""
    return capitalize(text) + ("" if text[-1] in ".!?…" else ".")


def day_and_month(moment: datetime) -> str:
    """Format a date such as "7 May", in the moment's UTC offset; the same in every locale."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Names that end in one of these words take an article: the International Monetary Fund.
_COMMON_NOUNS = frozenset(
    (
        *("agency", "alliance", "bank", "commission", "committee", "community", "confederation"),
        *("council", "court", "emirates", "federation", "forum", "fund", "group", "islands"),
        *("kingdom", "league", "ministry", "nations", "organisation", "organization"),
        *("republic", "secretariat", "states", "union"),
    )
)


def with_article(title: str) -> str:
    """Return a title as used within a sentence: "the United States", "China", "the hotline"."""
    bare = title.strip()
    first, _, rest = bare.partition(" ")
    if not bare or (first.lower() in ("the", "a", "an") and rest):
        return bare
    if bare[0].islower() or bare.split()[-1].lower() in _COMMON_NOUNS:
        return f"the {bare}"
    return bare


def moment(at: datetime, year: bool = False) -> str:
    """Format a moment such as "Wednesday 7 May, 01:05", in its UTC offset; the same in every locale."""
    day = f"{WEEKDAYS[at.weekday()]} {day_and_month(at)}{f' {at.year}' if year else ''}"
    return f"{day}, {at.hour:02d}:{at.minute:02d}"


def offset(at: datetime) -> str:
    """Format the offset from universal time, such as "UTC+5:30"; "local time" if there is none."""
    ahead = at.utcoffset()
    if ahead is None:
        return "local time"
    minutes = round(ahead.total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else MINUS}{hours}{f':{rest:02d}' if rest else ''}"
