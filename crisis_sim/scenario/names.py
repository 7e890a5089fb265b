"""Names that a person gives: of agents, and of files. The one home of which letters they may have.

Letters are those of any script, with the marks that stand on and beside them, and the joiners where scripts need
them. A name is one whichever way its accents are written: composed (as most keyboards do) or decomposed (as macOS
keeps the names of files). All names are read in the composed form, Unicode's NFC.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

#: Letters of an agent's name.
LONGEST = 40
AGENT_WORDS = f"a letter, then letters, digits or _, all in lower case, at most {LONGEST}"
FILE_WORDS = "letters, digits, spaces and any of _ - . +"

NON_JOINER, JOINER = "\u200c", "\u200d"
#: Unicode's categories of marks that stand on a letter, and beside it.
MARKS = ("Mn", "Mc")
#: Unicode's combining class of the marks that take a letter's vowel away, beside which joiners may stand.
_VIRAMA = 9


def composed(text: str) -> str:
    """A text in Unicode's composed form."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_agent_name(name: str) -> bool:
    """Whether an agent may be called so: names become columns, paths of parameters, keys of luck."""
    return (
        len(name) <= LONGEST
        and name == name.lower()
        and name[:1].isalpha()
        and _is_made_of_letters(name, "_")
    )


def near_agent_name(name: str) -> str:
    """The agent's name that is most like a text which is none; "" where nothing is left of it."""
    kept = "".join(
        mark if mark.isalnum() or unicodedata.category(mark) in MARKS else "_"
        for mark in composed(looks(name.lower()))
    )
    near = "_".join(filter(None, kept.split("_"))).lstrip("_0123456789")[:LONGEST].rstrip("_")
    return near if is_agent_name(near) else ""


def is_file_name(name: str) -> bool:
    """Whether a file (without its suffix) may be called so: the name stands in tables, folders and columns."""
    return name[:1] not in (*" .+-", "") and _is_made_of_letters(name, "_ .+-")


def looks(name: str) -> str:
    """What of a name can be seen: without joiners."""
    return name.replace(JOINER, "").replace(NON_JOINER, "")


def spelt_on_disk(path: Path) -> Path:
    """The path of what is there under a name, whichever way its accents are written on the disk."""
    try:
        if str(path).isascii() or path.exists():
            return path
        inside = sorted(spelt_on_disk(path.parent).iterdir())
    except (OSError, ValueError):  # no name that a file can have, or a folder that cannot be read
        return path
    return next((one for one in inside if composed(one.name) == composed(path.name)), path)


def _is_made_of_letters(name: str, others: str) -> bool:
    return all(
        mark in others or mark.isalnum() or _belongs(mark, name[:place], name[place + 1 :])
        for place, mark in enumerate(name)
    )


def _belongs(mark: str, before: str, after: str) -> bool:
    """Whether a character that is no letter belongs to the letters around it."""
    last = before[-1:]
    if unicodedata.category(mark) in MARKS:
        return last.isalpha() or (bool(last) and unicodedata.category(last) in (*MARKS, "Cf"))
    if mark not in (JOINER, NON_JOINER):
        return False
    if last and unicodedata.combining(last) == _VIRAMA:
        return True
    if not after:
        return False
    if mark == JOINER and last.isalpha() and unicodedata.combining(after[0]) == _VIRAMA:
        return True  # as in Bengali, where it keeps a letter's form before what follows
    letter = next((one for one in reversed(before) if unicodedata.category(one) != "Mn"), "")
    # Persian and Urdu have the non-joiner between parts of a word.
    return mark == NON_JOINER and all(
        unicodedata.bidirectional(one) == "AL" for one in (letter or " ", after[0])
    )
