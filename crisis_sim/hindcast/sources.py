"""Read real crises from a folder: a table of facts, or the files of the ICB project as published.

The table is `hindcast_inputs.csv`, with outcomes in `hindcast_outcomes*.csv` and optionally the forecasts of a statistical
baseline in `baseline_predictions*.csv`. The ICB files are `icb1v*.csv` (crises), `icb2v*.csv` (actors) and optionally
`icbdy*.csv` (pairs of states). A file with capabilities by the Correlates of War, recognised by its columns, may be added.
This reader follows the codebook and was tested with made-up rows only. Missing and invalid values are reported and treated
as unknown.
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

#: Cells without a value.
BLANK = ("", "NA", "NaN", "nan", ".", "-99")
#: Largest number of lines in a remark.
MOST_LINES = 6
#: Valid contents of a column: words, a kind of number, or codes for words.
Words = tuple[str, ...]
Codes = dict[float, str]
FLAG, NUMBER, DAYS = "0 or 1", "a number", "days above 0"
INPUTS = "hindcast_inputs.csv"
#: Facts and their valid values.
FACTS: dict[str, Words | str] = {
    "trigger_type": tuple(VIOLENT),
    "trigent_kind": ("state", "nonstate", "multi", "internal"),
    "grav_first": (*GRAVITY, "political", "territorial", "influence"),
    "protracted_first": ("no", "protracted", "long_war"),
    **dict.fromkeys(("regime_a_icb", "regime_b_icb"), tuple(AUDIENCE)),
    **dict.fromkeys(("nuclear_a", "nuclear_b", "major_a", "major_b"), FLAG),
    **dict.fromkeys(("ln_cinc_ratio", "n_dyads"), NUMBER),
}
OUTCOMES: dict[str, Words | str] = {
    "ending": KINDS["ending"],
    "violence": KINDS["violence"],
    "mediated": FLAG,
    "dur": DAYS,
}


@dataclass
class Remarks:
    """Problems in the files: line numbers by file and message; no line numbers if the whole file is meant."""

    found: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, file: str, message: str, *lines: int) -> None:
        """Add a problem of some lines, or of the whole file."""
        self.found.setdefault((file, message), []).extend(lines)

    def lines(self) -> list[str]:
        """Return each remark as a line of text with the number of its rows."""
        return [
            f"{file}{_location(lines)}: {message}{f'; {len(lines)} rows' if len(lines) > 1 else ''}"
            for (file, message), lines in self.found.items()
        ]


def _location(lines: list[int]) -> str:
    first = ",".join(map(str, lines[:MOST_LINES]))
    return f":{first}{',...' if len(lines) > MOST_LINES else ''}" if lines else ""


@dataclass(frozen=True, eq=False)
class Crises:
    """The crises of a folder.

    Attributes:
        table: a row for each crisis: `crisno`, `crisname`, `start`, the columns of `FACTS` and `OUTCOMES` (`mediated` as
            yes or no), and those of a baseline. Unknown values are missing.
        files: the files read.
    """

    table: pd.DataFrame
    remarks: Remarks
    files: list[str]


def read_crises(folder: Path) -> Crises:
    """Read the crises of a folder.

    Raises:
        ScenarioError: if there is no such folder, no suitable file, or a file without crises.
    """
    remarks = Remarks()
    if not folder.is_dir():
        raise _mistake(folder, "no such folder", f"a folder with {INPUTS} or ICB's files")
    read = _read_facts if (folder / INPUTS).is_file() else _read_icb
    table, files = read(folder, remarks)
    if table.empty:
        raise _mistake(folder, "no crisis can be read", "rows with a crisno")
    table = table.assign(**{name: math.nan for name in (*FACTS, *OUTCOMES) if name not in table})
    return Crises(table.reset_index(drop=True), remarks, files)


# --- Files as tables


def _mistake(path: Path, message: str, expected: str = "", near: str = "") -> ScenarioError:
    """Return the error of a file or folder that cannot be read."""
    return ScenarioError([Mistake(str(path), 0, 0, message, expected, near)])


def _read_table(path: Path, remarks: Remarks) -> pd.DataFrame:
    """Return a CSV file as text, with column names in lower case and line numbers as the index.

    Rows with too few cells are padded, and rows with too many are skipped; both are reported.

    Raises:
        ScenarioError: if it is not a CSV file with unique column names.
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
            line, missing = reader.line_num, len(names) - len(row)
            if missing < 0:
                remarks.add(path.name, f"more cells than columns ({len(names)}); row skipped", line)
            elif any(cell.strip() for cell in row):
                if missing:
                    remarks.add(path.name, "fewer cells than columns; the others are unknown", line)
                rows[line] = [cell.strip() for cell in row] + [""] * missing
    except csv.Error as error:
        raise _mistake(path, f"not a table: {error}", "a CSV file") from None
    duplicates = [name for name in names if names.count(name) > 1]
    if duplicates or not names:
        message = f"two columns are called '{duplicates[0]}'" if duplicates else "the file is empty"
        raise _mistake(path, message, "a first line with unique column names")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names, dtype=object)
    return table.mask(table.isin(BLANK))


def _read_crisis_table(path: Path, remarks: Remarks) -> pd.DataFrame:
    """Return a table whose rows have a crisis number, `crisno`; rows without one are skipped."""
    table = _read_table(path, remarks)
    if "crisno" not in table:
        near = nearest("crisno", list(table)) or ""
        raise _mistake(path, "no column 'crisno'", "the crisis's number in ICB", near)
    table = table.assign(crisno=_column(table, "crisno", NUMBER, path, remarks))
    if missing := table.index[table["crisno"].isna()].tolist():
        remarks.add(path.name, "no crisno; row skipped", *missing)
    return table[table["crisno"].notna()].astype({"crisno": int})


def _column(
    table: pd.DataFrame, name: str, kind: Words | Codes | str, path: Path, remarks: Remarks
) -> pd.Series:
    """Return a column of words or finite numbers; invalid cells are reported and become missing."""
    column = table.get(name, pd.Series(None, table.index, object))

    def remark(invalid: pd.Series, describe: Callable[[Any], str]) -> None:
        for line in table.index[invalid]:
            message = f"{name} is {describe(column[line])}; treated as unknown"
            remarks.add(path.name, message, line)

    if isinstance(kind, tuple):
        invalid = column.notna() & ~column.isin(kind)
        hints = {
            word: f"did you mean '{near}'?"
            if (near := nearest(word, kind))
            else f"expected {', '.join(kind)}"
            for word in column[invalid].unique()
        }
        remark(invalid, lambda word: f"'{word}' ({hints[word]})")
        return column.mask(invalid)
    number = pd.to_numeric(column, errors="coerce").astype(float)
    number = number.where(number.abs() < math.inf)
    remark(column.notna() & number.isna(), f"'{{}}', expected {NUMBER}".format)
    if isinstance(kind, dict):
        is_unknown = number.notna() & ~number.isin(list(kind))
        remark(is_unknown, lambda cell: f"{float(cell):g}, not a code of version {VERSION}")
        return number.map(kind)
    is_valid = {FLAG: number.isin((0.0, 1.0)), DAYS: number > 0, NUMBER: number.notna()}[kind]
    remark(number.notna() & ~is_valid, f"'{{}}', expected {kind}".format)
    return number.where(is_valid)


# --- The table of facts


def _read_facts(folder: Path, remarks: Remarks) -> tuple[pd.DataFrame, list[str]]:
    table, files = _read_columns(folder / INPUTS, FACTS, remarks), [INPUTS]
    for name in ("crisname", "start"):
        if name not in table:
            remarks.add(INPUTS, f"no column '{name}'; treated as unknown")
            table[name] = None
    if undated := table.index[table["start"].isna()].tolist():
        remarks.add(INPUTS, "no date of the trigger (start); assigned to no era", *undated)
    for pattern, kinds in (("hindcast_outcomes*.csv", OUTCOMES), ("baseline_predictions*.csv", {})):
        paths = sorted(folder.glob(pattern))
        files += [path.name for path in paths]
        if not paths:
            continue
        added = pd.concat([_read_columns(path, kinds, remarks) for path in paths])
        added = added.drop_duplicates("crisno")
        added = added[["crisno", *(name for name in added if name not in table)]]
        if not kinds:
            added = added.apply(pd.to_numeric, errors="coerce")
        table = table.merge(added, on="crisno", how="left")
    if "mediated" in table:
        table["mediated"] = table["mediated"].map({0.0: "no", 1.0: "yes"})
    return table, files


def _read_columns(path: Path, kinds: Mapping[str, Words | str], remarks: Remarks) -> pd.DataFrame:
    """Return a table with these columns, checked; duplicate crises are skipped."""
    table = _read_crisis_table(path, remarks)
    is_duplicate = table["crisno"].duplicated()
    if is_duplicate.any():
        lines = table.index[is_duplicate].tolist()
        remarks.add(path.name, "the crisis is in the table already; row skipped", *lines)
    table = table[~is_duplicate]
    missing = [name for name in kinds if name not in table]
    if kinds and len(missing) == len(kinds):
        raise _mistake(path, "none of the expected columns", ", ".join(kinds))
    for name in missing:
        near = nearest(name, [other for other in table if other not in kinds])
        hint = f" (did you mean '{near}'?)" if near else ""
        remarks.add(path.name, f"no column '{name}'{hint}; treated as unknown")
    columns = {name: _column(table, name, kind, path, remarks) for name, kind in kinds.items()}
    return table.assign(**columns)


# --- ICB's files


def _codes(words: Iterable[str], first: int = 1) -> Codes:
    return dict(enumerate(words, start=first))


TRIGGERS = _codes((
    "verbal", "political", "economic", "external_change", "other_nonviolent", "internal_challenge",
    "nonviolent_military", "indirect_violent", "violent",
))  # fmt: skip
GRAVITIES = _codes((
    "economic", "limited_military", "political", "territorial", "influence", "grave_damage", "existence", "other",
), first=0)  # fmt: skip
#: Code of `mediate` for mediation; smallest code of `nuclea` for weapons.
MEDIATED, ARMED = 4, 3
#: Columns of each file and their contents.
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
#: Names of columns in other versions.
ALIASES = {"pc": "protrac", "nuccap": "nuclea", "nukecap": "nuclea", "nucap": "nuclea"}
VERSION = "16"
FIRST_YEAR = 1945
#: Smallest code of entities that are not states.
FIRST_NON_STATE = 990
GREAT_POWERS = (2, 200, 220, 365, 710)
#: First year with nuclear weapons by state, used if ICB does not code an adversary, and last year (South Africa).
NUCLEAR_SINCE = {
    2: 1945, 365: 1949, 200: 1952, 220: 1960, 710: 1964, 666: 1967, 560: 1979, 770: 1987, 750: 1988, 731: 2006,
}  # fmt: skip
DISARMED = {560: 1991}
#: Columns of the capabilities by the Correlates of War: state, year, index.
CAPABILITIES = ("ccode", "year", "cinc")


def _read_icb(folder: Path, remarks: Remarks) -> tuple[pd.DataFrame, list[str]]:
    """Return crises with facts and outcomes, a row for each, and the names of the files read."""
    patterns = ("icb1v*.csv", "icb2v*.csv", "icbdy*.csv")
    versions = [
        sorted(folder.glob(pattern), key=lambda path: (len(path.stem), path))
        for pattern in patterns
    ]
    if not (versions[0] and versions[1]):
        expected = f"{INPUTS}, or icb1v{VERSION}.csv (crises) and icb2v{VERSION}.csv (actors)"
        raise _mistake(folder, "no crises to read", expected)
    paths = [files[-1] for files in versions if files]
    crises, actors, *others = (
        _read_codes(path, columns, remarks)
        for path, columns in zip(paths, (CRISES, ACTORS, PAIRS), strict=False)
    )
    pairs = others[0] if others else None
    for path in paths[:2]:
        if not path.stem.endswith(f"v{VERSION}"):
            message = f"not version {VERSION}; read with the codebook of version {VERSION}"
            remarks.add(path.name, message)
    if pairs is None:
        remarks.add("icbdy*.csv", "no such file; numbers of pairs of states are unknown")
    capabilities, files = _read_capabilities(folder, paths, remarks)
    rows = []
    for line, crisis in crises.drop_duplicates("crisno").iterrows():

        def remark(message: str, line: Any = line) -> None:
            remarks.add(paths[0].name, message, line)

        row = _crisis(crisis, actors, pairs, remark)
        if isinstance(row, str):
            remark(f"{row}; row skipped")
        else:
            ratio = _ln_cinc_ratio(capabilities, row["a"], row["b"], int(row["start"][:4]))
            rows.append(row | {"ln_cinc_ratio": ratio})
    return pd.DataFrame(rows), [*(path.name for path in paths), *files]


def _read_codes(path: Path, columns: Mapping[str, Codes | str], remarks: Remarks) -> pd.DataFrame:
    """Return a file's columns as numbers, or as the words for their codes."""
    table = _read_crisis_table(path, remarks)
    aliases = {old: new for old, new in ALIASES.items() if new in columns and new not in table}
    table = table.rename(columns=aliases)
    for name, kind in columns.items():
        if name not in table:
            remarks.add(path.name, f"no column '{name}'; treated as unknown")
        table[name] = _column(table, name, kind, path, remarks)
    return table


def _date(row: Any, suffix: str, remark: Callable[[str], None]) -> pd.Timestamp | None:
    """Return the date of a trigger or an end; an unknown month or day is replaced by the middle."""
    year, month, day = (row[f"{part}{suffix}"] for part in ("yr", "mo", "da"))
    if not 1 <= year <= 9999:
        return None
    if not 1 <= month <= 12:
        remark(f"date without a month (yr{suffix}); the middle of the year is used")
        return pd.Timestamp(int(year), 7, 15)
    if not 1 <= day <= 31:
        remark(f"date without a day (yr{suffix}); the middle of the month is used")
        day = 15
    first = pd.Timestamp(int(year), int(month), 1)
    return first.replace(day=min(int(day), first.days_in_month))


def _crisis(
    crisis: Any, actors: pd.DataFrame, pairs: pd.DataFrame | None, remark: Callable[[str], None]
) -> dict[str, Any] | str:
    """Return a crisis with its facts and outcomes, or the reason why it cannot be used."""
    start, end = _date(crisis, "trig", remark), _date(crisis, "term", remark)
    if start is None:
        return "no year of the trigger"
    if start.year < FIRST_YEAR:
        return f"a crisis before {FIRST_YEAR}"
    involved = actors[(actors["crisno"] == crisis["crisno"]) & actors["cracid"].notna()]
    if involved.empty:
        return "no actor"
    involved = involved.sort_values(["yrtrig", "motrig", "datrig"], kind="stable")
    first, a = involved.iloc[0], int(involved["cracid"].iloc[0])
    dyads: list[list[int]] = []
    if pairs is not None:
        rows = pairs.loc[pairs["crisno"] == crisis["crisno"], ["statea", "stateb"]].dropna()
        dyads = rows.astype(int).to_numpy().tolist()
    by_state = 0 < first["trigent"] < FIRST_NON_STATE
    rivals = [int(first["trigent"])] if by_state else []
    rivals += [state for dyad in dyads if a in dyad for state in dyad]
    rivals += involved["cracid"].astype(int).tolist()
    b = next((state for state in rivals if state != a), None)
    if b is None:
        return "no pair of states: a single actor, and no adversary that is a state"
    earlier = actors[(actors["cracid"] == b) & (actors["crisno"] <= crisis["crisno"])]
    current = earlier[earlier["crisno"] == crisis["crisno"]]
    regimes = earlier.sort_values("crisno", kind="stable")["regime"].dropna()
    days = math.nan if end is None else (end - start).days + 1.0
    if days <= 0:
        remark("ends before it begins; its duration is unknown")
    mediate = crisis["mediate"]
    return {
        "crisno": crisis["crisno"], "crisname": crisis.get("crisname"), "start": f"{start:%Y-%m-%d}", "a": a, "b": b,
        "trigger_type": first["triggr"], "trigent_kind": "state" if by_state else "nonstate",
        "grav_first": first["gravty"], "protracted_first": first["protrac"],
        "regime_a_icb": first["regime"], "regime_b_icb": regimes.iloc[-1] if len(regimes) else None,
        "nuclear_a": _armed(a, start.year, first["nuclea"]), "major_a": float(a in GREAT_POWERS),
        "nuclear_b": _armed(b, start.year, current["nuclea"].max()), "major_b": float(b in GREAT_POWERS),
        "n_dyads": math.nan if pairs is None else float(len(set(map(frozenset, dyads)))),
        "ending": crisis["forout"], "violence": crisis["viol"], "dur": days if days > 0 else math.nan,
        "mediated": None if math.isnan(mediate) else "yes" if mediate == MEDIATED else "no",
    }  # fmt: skip


def _armed(state: int, year: int, code: float) -> float:
    """Return 1 if a state has nuclear weapons, by ICB's code or else by `NUCLEAR_SINCE`, and 0 otherwise."""
    if not math.isnan(code):
        return float(code >= ARMED)
    return float(NUCLEAR_SINCE.get(state, 9999) <= year <= DISARMED.get(state, 9999))


def _read_capabilities(
    folder: Path, icb: list[Path], remarks: Remarks
) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of capabilities and the names of its files; further files are ignored, with a remark."""
    tables, names = [pd.DataFrame(columns=[*CAPABILITIES], dtype=float)], []
    for path in sorted({*folder.glob("*.csv")} - {*icb}):
        table = _read_table(path, remarks)
        if not {*CAPABILITIES} <= {*table}:
            remarks.add(path.name, "unknown kind of file; ignored")
            continue
        columns = {name: _column(table, name, NUMBER, path, remarks) for name in CAPABILITIES}
        tables.append(pd.DataFrame(columns))
        names.append(path.name)
    return pd.concat(tables, ignore_index=True), names


def _ln_cinc_ratio(capabilities: pd.DataFrame, a: int, b: int, year: int) -> float:
    """Return the log ratio of two states' capabilities, each in the latest year up to a year; NaN if unknown."""
    table = capabilities[capabilities["year"] <= year].sort_values("year", kind="stable")
    latest = table.drop_duplicates("ccode", keep="last").set_index("ccode")["cinc"]
    powers = [latest.get(state, math.nan) for state in (a, b)]
    return math.log(powers[0] / powers[1]) if all(power > 0 for power in powers) else math.nan
