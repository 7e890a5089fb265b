"""Read real crises from a folder: a table of facts, or the ICB project's files as its publisher gives them.

The table is `hindcast_inputs.csv`, with outcomes in `hindcast_outcomes*.csv` and perhaps the forecasts of a statistical
baseline in `baseline_predictions*.csv`. ICB's files are `icb1v*.csv` (crises), `icb2v*.csv` (actors) and perhaps
`icbdy*.csv` (pairs of states), and any of those of the Correlates of War, which are known by their columns; this was
written from the codebook, and tried on made-up rows only. What is missing or makes no sense is remarked on, read as
unknown, and gone on with.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from crisis_sim.hindcast.forecast import AUDIENCE, GRAVITY, KINDS, VIOLENT
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest

#: Cells that say nothing.
NOTHING = ("", "NA", "NaN", "nan", ".", "-99")
#: Lines that a remark names at most.
MOST_LINES = 6
#: What a column may hold: some words; a kind of number; or codes, each for a word.
Words = tuple[str, ...]
Codes = dict[float, str]
FLAG, NUMBER, DAYS = "0 or 1", "a number", "days above 0"
INPUTS = "hindcast_inputs.csv"
#: Facts that are read, and what each may be.
FACTS: dict[str, Words | str] = {
    "trigger_type": tuple(VIOLENT),
    "trigent_kind": ("state", "nonstate", "multi", "internal"),
    "grav_first": (*GRAVITY, "political", "territorial", "influence"),
    "protracted_first": ("no", "protracted", "long_war"),
    **dict.fromkeys(("regime_a_icb", "regime_b_icb"), tuple(AUDIENCE)),
    **dict.fromkeys(("nuclear_a", "nuclear_b", "major_a", "major_b", "rivalry"), FLAG),
    **dict.fromkeys(("ln_cinc_ratio", "contiguity", "mindist_km", "n_dyads"), NUMBER),
}
OUTCOMES: dict[str, Words | str] = {
    "ending": KINDS["ending"],
    "violence": KINDS["violence"],
    "mediated": FLAG,
    "dur": DAYS,
}


@dataclass
class Remarks:
    """What was wrong in the files: lines by file and message; line 0 is the whole file."""

    found: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, file: str, message: str, *lines: int) -> None:
        """Note what is wrong in some lines, or in the whole file."""
        self.found.setdefault((file, message), []).extend(lines)

    def told(self) -> list[str]:
        """Each remark in a line of text, with how many rows it is about."""
        return [
            f"{file}{_where(lines)}: {message}{f'; {len(lines)} rows' if len(lines) > 1 else ''}"
            for (file, message), lines in self.found.items()
        ]


def _where(lines: list[int]) -> str:
    shown = ",".join(map(str, lines[:MOST_LINES]))
    return f":{shown}{',...' if len(lines) > MOST_LINES else ''}" if lines else ""


@dataclass(frozen=True, eq=False)
class Crises:
    """Crises of a folder.

    Attributes:
        table: a row for each: `crisno`, `crisname`, `start`, the columns of `FACTS` and of `OUTCOMES`, and those of a
            baseline; what is not known is missing. `mediated` is yes or no.
        files: those that were read.
    """

    table: pd.DataFrame
    remarks: Remarks
    files: list[str]


def read_crises(folder: Path) -> Crises:
    """Read the crises of a folder.

    Raises:
        ScenarioError: when there is no such folder, no file to read, or a file without crises.
    """
    remarks = Remarks()
    if not folder.is_dir():
        raise _mistake(folder, "no such folder", f"a folder with {INPUTS} or ICB's files")
    of = _read_facts if (folder / INPUTS).is_file() else _read_icb
    table, files = of(folder, remarks)
    if table.empty:
        raise _mistake(folder, "no crisis can be read", "rows with a crisno")
    table = table.assign(**{name: math.nan for name in (*FACTS, *OUTCOMES) if name not in table})
    return Crises(table.reset_index(drop=True), remarks, files)


# --- Files as tables


def _mistake(path: Path, message: str, expected: str = "", near: str = "") -> ScenarioError:
    """The error of a file or folder that cannot be read at all."""
    return ScenarioError([Mistake(str(path), 0, 0, message, expected, near)])


def _read_table(path: Path, remarks: Remarks) -> pd.DataFrame:
    """A CSV file as text, its columns in small letters, its index the line in the file.

    Short rows are filled up, and rows with too many cells left out, with a remark.

    Raises:
        ScenarioError: when it is no such file.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    reader = csv.reader(text.splitlines())
    rows: dict[int, list[str]] = {}
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        for row in reader:
            line, lacking = reader.line_num, len(names) - len(row)
            if lacking < 0:
                remarks.add(path.name, f"more cells than columns ({len(names)}); left out", line)
            elif any(cell.strip() for cell in row):
                if lacking:
                    remarks.add(path.name, "fewer cells than columns; read as unknown", line)
                rows[line] = [cell.strip() for cell in row] + [""] * lacking
    except csv.Error as error:
        raise _mistake(path, f"not a table: {error}", "a CSV file") from None
    twice = [name for name in names if names.count(name) > 1]
    if twice or not names:
        message = f"two columns are called '{twice[0]}'" if twice else "the file is empty"
        raise _mistake(path, message, "a line of names of columns, all different")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names, dtype=object)
    return table.mask(table.isin(NOTHING))


def _of_crises(path: Path, remarks: Remarks) -> pd.DataFrame:
    """A table whose rows have a crisis's number, `crisno`; those without one are left out."""
    table = _read_table(path, remarks)
    if "crisno" not in table:
        near = nearest("crisno", list(table)) or ""
        raise _mistake(path, "no column 'crisno'", "the crisis's number in ICB", near)
    table = table.assign(crisno=_column(table, "crisno", NUMBER, path, remarks))
    if lacking := table.index[table["crisno"].isna()].tolist():
        remarks.add(path.name, "no crisno; left out", *lacking)
    return table[table["crisno"].notna()].astype({"crisno": int})


def _column(
    table: pd.DataFrame, name: str, kind: Words | Codes | str, path: Path, remarks: Remarks
) -> pd.Series:
    """A column of words or finite numbers; unknown, with a remark, where it holds anything else."""
    column = table.get(name, pd.Series(None, table.index, object))

    def remark(wrong: pd.Series, told: Callable[[Any], str]) -> None:
        for line in table.index[wrong]:
            remarks.add(path.name, f"{name} is {told(column[line])}; read as unknown", line)

    if isinstance(kind, tuple):
        wrong = column.notna() & ~column.isin(kind)
        meant = {word: nearest(word, kind) for word in column[wrong]}
        expected = f"expected {', '.join(kind)}"
        told = {x: f"did you mean '{near}'?" if near else expected for x, near in meant.items()}
        remark(wrong, lambda x: f"'{x}'; {told[x]}")
        return column.mask(wrong)
    number = pd.to_numeric(column, errors="coerce").astype(float)
    number = number.where(number.abs() < math.inf)
    remark(column.notna() & number.isna(), f"'{{}}'; expected {NUMBER}".format)
    if isinstance(kind, dict):
        said = f"{{:g}}, which is no code of version {VERSION}"
        remark(number.notna() & ~number.isin(list(kind)), lambda x: said.format(float(x)))
        return number.map(kind)
    right = {FLAG: number.isin((0.0, 1.0)), DAYS: number > 0, NUMBER: number.notna()}[kind]
    remark(number.notna() & ~right, f"'{{}}'; expected {kind}".format)
    return number.where(right)


# --- The table of facts


def _read_facts(folder: Path, remarks: Remarks) -> tuple[pd.DataFrame, list[str]]:
    table, files = _facts_of(folder / INPUTS, FACTS, remarks), [INPUTS]
    for name in ("crisname", "start"):
        if name not in table:
            remarks.add(INPUTS, f"no column '{name}'; read as unknown")
            table[name] = None
    if lacking := table.index[table["start"].isna()].tolist():
        remarks.add(INPUTS, "no date of the trigger (start); in no era", *lacking)
    for pattern, kinds in (("hindcast_outcomes*.csv", OUTCOMES), ("baseline_predictions*.csv", {})):
        paths = sorted(folder.glob(pattern))
        files += [path.name for path in paths]
        if not paths:
            continue
        more = pd.concat([_facts_of(path, kinds, remarks) for path in paths])
        more = more.drop_duplicates("crisno")
        more = more[["crisno", *(name for name in more if name not in table)]]
        if not kinds:
            more = more.apply(pd.to_numeric, errors="coerce")
        table = table.merge(more, on="crisno", how="left")
    if "mediated" in table:
        table["mediated"] = table["mediated"].map({0.0: "no", 1.0: "yes"})
    return table, files


def _facts_of(path: Path, kinds: Mapping[str, Words | str], remarks: Remarks) -> pd.DataFrame:
    table = _of_crises(path, remarks)
    again = table["crisno"].duplicated()
    if again.any():
        remarks.add(path.name, "a crisis that stands above; left out", *table.index[again].tolist())
    table = table[~again]
    lacking = [name for name in kinds if name not in table]
    if kinds and len(lacking) == len(kinds):
        raise _mistake(path, "none of the columns that are read", ", ".join(kinds))
    for name in lacking:
        near = nearest(name, [one for one in table if one not in kinds])
        meant = f" (did you mean '{near}'?)" if near else ""
        remarks.add(path.name, f"no column '{name}'{meant}; read as unknown")
    found = {name: _column(table, name, kind, path, remarks) for name, kind in kinds.items()}
    return table.assign(**found)


# --- ICB's own files


def _codes(words: Iterable[str], first: int = 1) -> Codes:
    return dict(enumerate(words, start=first))


TRIGGERS = _codes((
    "verbal", "political", "economic", "external_change", "other_nonviolent", "internal_challenge",
    "nonviolent_military", "indirect_violent", "violent",
))  # fmt: skip
GRAVITIES = _codes((
    "economic", "limited_military", "political", "territorial", "influence", "grave_damage", "existence", "other",
), first=0)  # fmt: skip
MEDIATED, ARMED = 4, 3
#: Columns that are read of each file, and what they hold.
DATES: dict[str, Codes | str] = dict.fromkeys(("yrtrig", "motrig", "datrig"), NUMBER)
CRISES: dict[str, Codes | str] = DATES | {
    **dict.fromkeys(("yrterm", "moterm", "daterm", "mediate"), NUMBER),
    "forout": _codes(["agreement", "agreement", "tacit", "unilateral", "imposed", "other", "faded"]),
    "viol": _codes(KINDS["violence"]),
}  # fmt: skip
ACTORS: dict[str, Codes | str] = DATES | {
    "cracid": NUMBER, "trigent": NUMBER, "nuclea": NUMBER, "triggr": TRIGGERS, "gravty": GRAVITIES,
    "protrac": _codes(FACTS["protracted_first"]), "regime": _codes(AUDIENCE),
}  # fmt: skip
PAIRS: dict[str, Codes | str] = {"statea": NUMBER, "stateb": NUMBER}
#: What columns are called in one version or another.
ALSO = {"pc": "protrac", "nuccap": "nuclea", "nukecap": "nuclea", "nucap": "nuclea"}
VERSION = "16"
FIRST_YEAR = 1945
#: From this code on an entity is no state.
NO_STATE = 990
GREAT_POWERS = (2, 200, 220, 365, 710)
#: Since when states have had nuclear weapons, where ICB does not say it of an adversary; South Africa had them to 1991.
NUCLEAR_SINCE = {
    2: 1945, 365: 1949, 200: 1952, 220: 1960, 710: 1964, 666: 1967, 560: 1979, 770: 1987, 750: 1988, 731: 2006,
}  # fmt: skip
DISARMED = {560: 1991}
#: Columns by which files of the Correlates of War, and those like them, are known.
FORMS = {
    "cinc": ("ccode", "year", "cinc"),
    "contiguity": ("state1no", "state2no", "year", "conttype"),
    "mindist_km": ("ccode1", "ccode2", "year", "mindist"),
    "rivalry": ("ccode1", "ccode2", "start", "end"),
}


def _read_icb(folder: Path, remarks: Remarks) -> tuple[pd.DataFrame, list[str]]:
    """Crises with facts and outcomes, a row for each, and the names of the files that were read."""
    patterns = ("icb1v*.csv", "icb2v*.csv", "icbdy*.csv")
    found = [sorted(folder.glob(one), key=lambda path: (len(path.stem), path)) for one in patterns]
    if not (found[0] and found[1]):
        expected = f"{INPUTS}, or icb1v{VERSION}.csv (crises) and icb2v{VERSION}.csv (actors)"
        raise _mistake(folder, "no crises to read", expected)
    paths = [several[-1] for several in found if several]
    crises, actors, *more = (
        _coded(path, columns, remarks)
        for path, columns in zip(paths, (CRISES, ACTORS, PAIRS), strict=False)
    )
    for path in paths[:2]:
        if not path.stem.endswith(f"v{VERSION}"):
            remarks.add(path.name, f"another version than {VERSION}; read by that one's codebook")
    if not more:
        remarks.add("icbdy*.csv", "no such file; how many pairs of states a crisis had is unknown")
    known = _other_files(folder, paths, remarks)
    rows = []
    for line, crisis in crises.drop_duplicates("crisno").iterrows():
        place = (paths[0].name, line, remarks)
        row = _crisis(crisis, actors, more[0] if more else None, place)
        if isinstance(row, str):
            remarks.add(paths[0].name, f"{row}; left out", line)
        else:
            rows.append(row | _of_pair(known, row["a"], row["b"], int(row["start"][:4])))
    return pd.DataFrame(rows), [path.name for path in paths] + sorted(known)


def _coded(path: Path, columns: Mapping[str, Codes | str], remarks: Remarks) -> pd.DataFrame:
    """A file's columns as numbers, or as the words for their codes."""
    table = _of_crises(path, remarks)
    also = {old: new for old, new in ALSO.items() if new in columns and new not in table}
    table = table.rename(columns=also)
    for name, kind in columns.items():
        if name not in table:
            remarks.add(path.name, f"no column '{name}'; read as unknown")
        table[name] = _column(table, name, kind, path, remarks)
    return table


def _date(row: Any, which: str, place: tuple[str, Any, Remarks]) -> pd.Timestamp | None:
    """The date of a trigger or an end; its middle where the month or the day is not known."""
    year, month, day = (row[f"{part}{which}"] for part in ("yr", "mo", "da"))
    if not 1 <= year <= 9999:
        return None
    no_month, no_day = not 1 <= month <= 12, not 1 <= day <= 31
    if no_month or no_day:
        file, line, remarks = place
        lacks = "month" if no_month else "day"
        remarks.add(file, f"a date without a {lacks} (yr{which}); taken in the middle", line)
    first = pd.Timestamp(int(year), 7 if no_month else int(month), 1)
    day = 15 if no_month or no_day else min(int(day), first.days_in_month)
    return first.replace(day=day)


def _crisis(
    crisis: Any, actors: pd.DataFrame, pairs: pd.DataFrame | None, place: tuple[str, Any, Remarks]
) -> dict[str, Any] | str:
    """A crisis with its facts and outcomes, or why it cannot be read."""
    start, end = _date(crisis, "trig", place), _date(crisis, "term", place)
    if start is None:
        return "no year of the trigger"
    if start.year < FIRST_YEAR:
        return f"a crisis before {FIRST_YEAR}"
    of = actors[(actors["crisno"] == crisis["crisno"]) & actors["cracid"].notna()]
    if of.empty:
        return "no actor"
    of = of.sort_values(["yrtrig", "motrig", "datrig"], kind="stable")
    first, a = of.iloc[0], int(of["cracid"].iloc[0])
    sides: list[list[int]] = []
    if pairs is not None:
        two = pairs.loc[pairs["crisno"] == crisis["crisno"], ["statea", "stateb"]].dropna()
        sides = two.astype(int).to_numpy().tolist()
    by_state = 0 < first["trigent"] < NO_STATE
    rivals = [int(first["trigent"])] if by_state else []
    rivals += [one for two in sides if a in two for one in two]
    b = next((one for one in (*rivals, *of["cracid"].astype(int)) if one != a), None)
    if b is None:
        return "no pair of states: one actor, and no state for its adversary"
    earlier = actors[(actors["cracid"] == b) & (actors["crisno"] <= crisis["crisno"])]
    now = earlier[earlier["crisno"] == crisis["crisno"]]
    regimes = earlier.sort_values("crisno", kind="stable")["regime"].dropna()
    days = math.nan if end is None else (end - start).days + 1.0
    if days <= 0:
        place[2].add(place[0], "it ends before it begins; its duration is unknown", place[1])
    mediate = crisis["mediate"]
    return {
        "crisno": crisis["crisno"], "crisname": crisis.get("crisname"), "start": f"{start:%Y-%m-%d}", "a": a, "b": b,
        "trigger_type": first["triggr"], "trigent_kind": "state" if by_state else "nonstate",
        "grav_first": first["gravty"], "protracted_first": first["protrac"],
        "regime_a_icb": first["regime"], "regime_b_icb": regimes.iloc[-1] if len(regimes) else None,
        "nuclear_a": _armed(a, start.year, first["nuclea"]), "major_a": float(a in GREAT_POWERS),
        "nuclear_b": _armed(b, start.year, now["nuclea"].max()), "major_b": float(b in GREAT_POWERS),
        "n_dyads": math.nan if pairs is None else float(len({frozenset(two) for two in sides})),
        "ending": crisis["forout"], "violence": crisis["viol"], "dur": days if days > 0 else math.nan,
        "mediated": None if math.isnan(mediate) else "yes" if mediate == MEDIATED else "no",
    }  # fmt: skip


def _armed(state: int, year: int, code: float) -> float:
    """Whether a state has nuclear weapons: by ICB's code, else by `NUCLEAR_SINCE`."""
    if not math.isnan(code):
        return float(code >= ARMED)
    return float(NUCLEAR_SINCE.get(state, 9999) <= year <= DISARMED.get(state, 9999))


def _other_files(folder: Path, read: list[Path], remarks: Remarks) -> dict[str, Any]:
    """Tables of the other files, by name, each with the fact that it holds."""
    known = {}
    for path in sorted(folder.glob("*.csv")):
        if path in read:
            continue
        table = _read_table(path, remarks)
        fact = next((one for one, names in FORMS.items() if {*names} <= {*table}), None)
        if fact is None:
            remarks.add(path.name, "a file of no form that is known; not read")
            continue
        columns = {name: _column(table, name, NUMBER, path, remarks) for name in FORMS[fact]}
        known[path.name] = fact, pd.DataFrame(columns)
    return known


def _of_pair(known: dict[str, Any], a: int, b: int, year: int) -> dict[str, float]:
    """Facts of a pair in a year: by the last row up to it; unknown where there is none."""
    found: dict[str, float] = {}
    for fact, table in known.values():
        names = FORMS[fact]
        if fact == "cinc":
            powers = [_latest(table[table["ccode"] == state], year, "cinc") for state in (a, b)]
            if all(power > 0 for power in powers):
                found["ln_cinc_ratio"] = math.log(powers[0] / powers[1])
            continue
        of = table[table[names[0]].isin((a, b)) & table[names[1]].isin((a, b))]
        if fact == "rivalry":
            found[fact] = float(((of["start"] <= year) & ~(of["end"] < year)).any())
        else:
            found[fact] = _latest(of, year, names[3])
    return found


def _latest(table: pd.DataFrame, year: int, name: str) -> float:
    rows = table[table["year"] <= year]
    return float(rows.loc[rows["year"].idxmax(), name]) if len(rows) else math.nan
