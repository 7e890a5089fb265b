"""Crises from the ICB project's own files, and facts about pairs of states from those of the Correlates of War.

The files are `icb1v*.csv` (crises), `icb2v*.csv` (actors) and perhaps `icbdy*.csv` (pairs of states), and any of those of
the Correlates of War, which are known by their columns. Written from the codebook, and tried on made-up rows only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from crisis_sim.hindcast.forecast import KINDS
from crisis_sim.hindcast.reading import AUDIENCE
from crisis_sim.hindcast.tables import Remarks, mistake, numbers, of_crises, read_table

Codes = dict[float, str]


def _codes(words: Iterable[str], first: int = 1) -> Codes:
    return dict(enumerate(words, start=first))


TRIGGERS = _codes((
    "verbal", "political", "economic", "external_change", "other_nonviolent", "internal_challenge",
    "nonviolent_military", "indirect_violent", "violent",
))  # fmt: skip
GRAVITIES = _codes((
    "economic", "limited_military", "political", "territorial", "influence", "grave_damage", "existence", "other",
), first=0)  # fmt: skip
ENDS = _codes(["agreement", "agreement", "tacit", "unilateral", "imposed", "other", "faded"])
CONFLICTS, REGIMES = _codes(["no", "protracted", "long_war"]), _codes(AUDIENCE)
VIOLENCE = _codes(KINDS["violence"])
MEDIATED, ARMED = 4, 3
#: Columns that are read of each file, and their codes where they have some.
NUMBER: Codes = {}
CRISES = {
    "yrtrig": NUMBER, "motrig": NUMBER, "datrig": NUMBER, "yrterm": NUMBER, "moterm": NUMBER, "daterm": NUMBER,
    "mediate": NUMBER, "forout": ENDS, "viol": VIOLENCE,
}  # fmt: skip
ACTORS = {
    "cracid": NUMBER, "yrtrig": NUMBER, "motrig": NUMBER, "datrig": NUMBER, "trigent": NUMBER, "nuclea": NUMBER,
    "triggr": TRIGGERS, "gravty": GRAVITIES, "protrac": CONFLICTS, "regime": REGIMES,
}  # fmt: skip
PAIRS = {"statea": NUMBER, "stateb": NUMBER}
#: What columns are called in one version or another.
ALSO = {"pc": "protrac", "nuccap": "nuclea", "nukecap": "nuclea", "nucap": "nuclea"}
VERSION = "16"
FIRST_YEAR = 1945
#: From this code on an entity is no state.
NO_STATE = 990
GREAT_POWERS = (2, 200, 220, 365, 710)
#: Since when states have had nuclear weapons, where ICB does not say it of an adversary; South Africa had them to 1991.
NUCLEAR_SINCE = {2: 1945, 365: 1949, 200: 1952, 220: 1960, 710: 1964} | {
    666: 1967, 560: 1979, 770: 1987, 750: 1988, 731: 2006,
}  # fmt: skip
DISARMED = {560: 1991}
#: Columns by which files of the Correlates of War, and those like them, are known.
FORMS = {
    "cinc": ("ccode", "year", "cinc"),
    "contiguity": ("state1no", "state2no", "year", "conttype"),
    "mindist_km": ("ccode1", "ccode2", "year", "mindist"),
    "rivalry": ("ccode1", "ccode2", "start", "end"),
}


def read_icb(folder: Path, remarks: Remarks) -> tuple[pd.DataFrame, list[str]]:
    """Crises with facts and outcomes, a row for each, and the names of the files that were read.

    Raises:
        ScenarioError: when there are no such files.
    """
    patterns = ("icb1v*.csv", "icb2v*.csv", "icbdy*.csv")
    found = [sorted(folder.glob(one), key=lambda path: (len(path.stem), path)) for one in patterns]
    if not (found[0] and found[1]):
        expected = (
            f"hindcast_inputs.csv, or icb1v{VERSION}.csv (crises) and icb2v{VERSION}.csv (actors)"
        )
        raise mistake(folder, "no crises to read", expected)
    paths = [several[-1] for several in found if several]
    tables = [
        _coded(path, columns, remarks)
        for path, columns in zip(paths, (CRISES, ACTORS, PAIRS), strict=False)
    ]
    for path in paths[:2]:
        if not path.stem.endswith(f"v{VERSION}"):
            remarks.add(path.name, f"another version than {VERSION}; read by that one's codebook")
    crises, actors = tables[:2]
    pairs = tables[2] if len(tables) > 2 else None
    if pairs is None:
        remarks.add("icbdy*.csv", "no such file; how many pairs of states a crisis had is unknown")
    known = _other_files(folder, paths, remarks)
    rows = []
    for line, crisis in crises.drop_duplicates("crisno").iterrows():
        row: dict[str, Any] | str = _crisis(crisis, actors, pairs, (paths[0].name, line, remarks))
        if isinstance(row, str):
            remarks.add(paths[0].name, f"{row}; left out", line)
        else:
            rows.append(row | _of_pair(known, row["a"], row["b"], int(row["start"][:4])))
    return pd.DataFrame(rows), [path.name for path in paths] + sorted(known)


def _coded(path: Path, columns: dict[str, Codes], remarks: Remarks) -> pd.DataFrame:
    """A file's columns as numbers, or as the words for their codes."""
    table = of_crises(path, remarks)
    also = {old: new for old, new in ALSO.items() if new in columns and new not in table}
    table = table.rename(columns=also)
    for name, codes in columns.items():
        if name not in table:
            remarks.add(path.name, f"no column '{name}'; read as unknown")
        column = numbers(table, name, path.name, remarks)
        if codes:
            for line in table.index[column.notna() & ~column.isin(list(codes))]:
                said = f"{name} is {column[line]:g}, which is no code of version {VERSION}"
                remarks.add(path.name, f"{said}; read as unknown", line)
            column = column.map(codes)
        table[name] = column
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
        table = read_table(path, remarks)
        fact = next((one for one, names in FORMS.items() if {*names} <= {*table}), None)
        if fact is None:
            remarks.add(path.name, "a file of no form that is known; not read")
            continue
        columns = {name: numbers(table, name, path.name, remarks) for name in FORMS[fact]}
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
