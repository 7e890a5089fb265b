"""Numbers, durations, lists and names in words, and the escaping of text that came from a file."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

# `printable` shows everything, and escapes what a terminal would obey; reports of mistakes need that. `clean`
# makes one line of a title or a name and leaves out what has no shape; tables, charts and stories need that.
# `markdown` makes such a line literal in Markdown, and so in the HTML that is made of it.

#: Characters without a shape of their own that some scripts need between letters.
JOINERS = "\u200c\u200d"

#: Unicode's categories of control characters, of direction marks and the like, and of broken pairs.
_UNSEEN = ("Cc", "Cf", "Cs")

#: Characters with a meaning inside a line in Markdown, GitHub's dialect of it, and its formulas.
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$#]")


def printable(text: str, *, also: str = "") -> str:
    """A text with everything escaped that could move a terminal's cursor or hide other text, but for `also`."""
    if text.isprintable():
        return text
    return "".join(
        mark
        if mark.isprintable() or mark in also
        else mark.encode("unicode_escape").decode("ascii")
        for mark in text
    )


def printable_lines(text: str) -> str:
    """A text of many lines, for a terminal: escaped like `printable`, line by line.

    Line breaks and the joiners that some scripts need stay.
    """
    return printable(text, also="\n" + JOINERS)


def printable_json(text: str) -> str:
    """A JSON text for a terminal: the same data, with escapes where `printable_lines` has them."""
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() or mark in "\n" + JOINERS else _json_escape(mark)
        for mark in text
    )


def clean(text: str) -> str:
    """A text on one line, without characters that steer a terminal or its writing."""
    kept = (
        " " if char.isspace() else char
        for char in text
        if char.isspace() or char in JOINERS or unicodedata.category(char) not in _UNSEEN
    )
    return " ".join("".join(kept).split())


def markdown(text: str) -> str:
    """A cleaned text as Markdown shows it: links, emphasis, HTML and formulas are letters and no more."""
    return _MARKUP.sub(r"\\\g<0>", clean(text))


def _json_escape(mark: str) -> str:
    """A character as JSON escapes it: in UTF-16, two escapes for one beyond the first plane."""
    units = mark.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


# Every sentence writes its numbers with these, so that none prints "nan", a minus before nothing, or a share without its
# denominator.

MINUS = "−"
#: Written in place of an unknown number.
UNKNOWN = "–"
#: A difference that would take this many times the replicates to show is called too small for them.
FAR_OUT_OF_REACH = 100.0


def is_known(value: float | None) -> bool:
    """Whether there is such a number: neither None nor NaN nor infinite."""
    return value is not None and math.isfinite(value)


def excludes_zero(lower: float | None, upper: float | None) -> bool:
    """Whether an interval lies on one side of zero; a limit that is not known excludes nothing."""
    return (lower is not None and lower > 0.0) or (upper is not None and upper < 0.0)


def number(value: float | None, digits: int, sign: bool = False) -> str:
    """A number to a number of decimals, its thousands apart; None, NaN and infinity become a dash.

    `sign` gives a number above zero a plus. What rounds to zero has no sign.
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    written = f"{abs(value):,.{digits}f}"
    if float(written.replace(",", "")) == 0.0:
        return written
    return (MINUS if value < 0.0 else "+" if sign else "") + written


def limits(
    lower: float | None, upper: float | None, digits: int, noun: str = "", sign: bool = False
) -> str:
    """Two limits: "58.1 to 64.2%", "at least 80 hours", "limits not known".

    Args:
        lower, upper: None, NaN or infinite where there is none.
        digits: decimals.
        noun: follows the last number, with its space: "%", " hours".
        sign: whether numbers above zero have a plus.
    """
    low, high = (number(limit, digits, sign) for limit in (lower, upper))
    if is_known(lower) and is_known(upper):
        return f"{low} to {high}{noun}"
    if is_known(lower):
        return f"at least {low}{noun}"
    return f"at most {high}{noun}" if is_known(upper) else "limits not known"


def over_fits(figure: Mapping[str, Any] | None, scale: float = 100.0, sign: bool = False) -> str:
    """How far a figure moves over fits, such as "over fits +9 to +31; the sign agrees in 97%"; "" where not known."""
    over = (figure or {}).get("over_fits")
    if not over:
        return ""
    low, high = scale * over["lower"], scale * over["upper"]
    told = f"over fits {limits(low, high, decimals(high - low), sign=sign)}"
    agree = over.get("same_sign")
    return told if agree is None else f"{told}; the sign agrees in {_sets(agree)}"


def _sets(share: float) -> str:
    """A share of sets in whole per cent, none of which reads as all."""
    return f"{share:.0%}" if share < 0.995 else "over 99%" if share < 0.9995 else "all"


def goes_with(figure: Mapping[str, Any]) -> str:
    """With which parameters the spread of a figure over fits goes, as a clause; "" where it has none."""
    over = figure.get("over_fits")
    if not over:
        return ""
    shares = over["goes_with"].items()
    each = [f"{path.removeprefix('behaviour.')} ({share:.0%})" for path, share in shares]
    if not each and over["noise"] > 0.5:
        return "with which parameters that spread goes cannot be told from these replicates"
    if not each:
        reached = f"chance alone reaches {over['noise']:.0%} of it with one of them"
        return f"no single parameter goes with much of that spread ({reached})"
    much = "most" if max(over["goes_with"].values()) > 0.5 else "much"
    return f"{much} of that spread goes with {listed(each[:_NAMED])}"


#: Parameters that are named, at most.
_NAMED = 4


def decimals(width: float) -> int:
    """Decimals that show an interval's width with two figures; 1 where it has none."""
    if not math.isfinite(width) or width <= 0.0:
        return 1
    return min(max(1 - math.floor(math.log10(width)), 0), 4)


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}" if math.isfinite(number) else UNKNOWN


def of_these(number: int, among: str) -> str:
    """A denominator: "all 20 crises", "the 1,760 crises with a first strike", "the only crisis"."""
    if number == 1:
        return "the only " + among.removeprefix("all ").replace("crises", "crisis", 1)
    if among.startswith("all "):
        return f"all {count(number)} {among.removeprefix('all ')}"
    return f"the {count(number)} {among}"


def listed(things: Sequence[str], last: str = "and") -> str:
    """Things in a row: "a", "a and b", "a, b and c"."""
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} {last} {things[-1]}"


def round_up(number: float) -> int:
    """Up to two figures: 38,412 becomes 39,000."""
    unit = int(10 ** max(math.floor(math.log10(number)) - 1, 0))
    return math.ceil(number / unit) * unit


def replicates_to_tell(estimate: float, lower: float, upper: float, replicates: int) -> int | None:
    """Replicates after which an interval as far from zero as its estimate would exclude it.

    The interval narrows with the square root of the replicates. More than there are, since these do
    not tell; None where the difference is so small that no practical number would.
    """
    reach = (upper - lower) / 2.0
    times = (reach / abs(estimate)) ** 2 if estimate else math.inf
    if not times <= FAR_OUT_OF_REACH:
        return None
    return round_up(1.1 * max(times, 1.0) * replicates)


#: From this many hours on a duration is given in days.
DAYS_FROM_HOURS = 60.0

#: From this many days on a duration is given in whole days.
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


def label(name: str) -> str:
    """A short name as a reader sees it: `no_lenders` becomes "No lenders"."""
    return capitalize(clean(name.replace("_", " ")))


def shorten(text: str, length: int) -> str:
    """A text cut to a length. The middle gives way: names that begin alike differ at their end."""
    if len(text) <= length:
        return text
    tail = (length - 1) // 3
    return text[: length - 1 - tail].rstrip() + "…" + text[len(text) - tail :].lstrip()


def percent(share: float | None, sign: bool = False) -> str:
    """A share as a percentage without its sign: to a tenth, with more where that would make it 0 or 100."""
    if share is None or not math.isfinite(share):
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


def exact(value: float) -> str:
    """A number with what digits it has, its thousands apart, without an exponent where that can be."""
    if abs(value) >= 1e15 or 0 < abs(value) < 1e-4:
        return f"{value:g}"
    return f"{value:,.6f}".rstrip("0").rstrip(".").replace("-", MINUS)


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


def capitalize(text: str) -> str:
    """Return the text with a capital at its start, and all else unchanged."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """The text with a capital at its start and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    return capitalize(text) + ("" if text[-1] in ".!?…" else ".")


def day_and_month(moment: datetime) -> str:
    """Such as "7 May", in the moment's own offset; the same in every locale."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
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
