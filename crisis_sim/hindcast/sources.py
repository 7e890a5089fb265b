"""Read real crises from a folder: a table of facts, or the ICB project's files as its publisher gives them.

The table is `hindcast_inputs.csv`, with outcomes in `hindcast_outcomes*.csv` and perhaps the forecasts of a statistical
baseline in `baseline_predictions*.csv`. What is missing or makes no sense is remarked on, read as unknown, and gone on with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from crisis_sim.hindcast.forecast import KINDS
from crisis_sim.hindcast.icb import read_icb
from crisis_sim.hindcast.reading import AUDIENCE, GRAVITY, VIOLENT
from crisis_sim.hindcast.tables import Remarks, mistake, numbers, of_crises
from crisis_sim.scenario.errors import nearest

Words = tuple[str, ...]
FLAG, NUMBER, DAYS = "0 or 1", "a number", "days above 0"
INPUTS = "hindcast_inputs.csv"
#: Facts that are read, and what each may be: one of some words, or a number of a kind.
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
        raise mistake(folder, "no such folder", f"a folder with {INPUTS} or ICB's files")
    if (folder / INPUTS).is_file():
        table, files = _read_facts(folder, remarks)
    else:
        table, files = read_icb(folder, remarks)
    if table.empty:
        raise mistake(folder, "no crisis can be read", "rows with a crisno")
    table = table.assign(**{name: math.nan for name in (*FACTS, *OUTCOMES) if name not in table})
    return Crises(table.reset_index(drop=True), remarks, files)


def _read_facts(folder: Path, remarks: Remarks) -> tuple[pd.DataFrame, list[str]]:
    table, files = _read(folder / INPUTS, FACTS, remarks), [INPUTS]
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
        more = pd.concat([_read(path, kinds, remarks) for path in paths])
        more = more.drop_duplicates("crisno")
        more = more[["crisno", *(name for name in more if name not in table)]]
        if not kinds:
            more = more.apply(pd.to_numeric, errors="coerce")
        table = table.merge(more, on="crisno", how="left")
    if "mediated" in table:
        table["mediated"] = table["mediated"].map({0.0: "no", 1.0: "yes"})
    return table, files


def _read(path: Path, kinds: Mapping[str, Words | str], remarks: Remarks) -> pd.DataFrame:
    table = of_crises(path, remarks)
    again = table["crisno"].duplicated()
    if again.any():
        remarks.add(path.name, "a crisis that stands above; left out", *table.index[again].tolist())
    table = table[~again]
    lacking = [name for name in kinds if name not in table]
    if kinds and len(lacking) == len(kinds):
        raise mistake(path, "none of the columns that are read", ", ".join(kinds))
    for name in lacking:
        near = nearest(name, [one for one in table if one not in kinds])
        meant = f" (did you mean '{near}'?)" if near else ""
        remarks.add(path.name, f"no column '{name}'{meant}; read as unknown")
    found = {name: _column(table, name, kind, path.name, remarks) for name, kind in kinds.items()}
    return table.assign(**found)


def _column(
    table: pd.DataFrame, name: str, kind: Words | str, file: str, remarks: Remarks
) -> pd.Series:
    """A column of words or numbers; unknown, with a remark, where it holds anything else."""
    if isinstance(kind, tuple):
        column = table.get(name, pd.Series(None, table.index, object))
        wrong = column.notna() & ~column.isin(kind)
    else:
        column = numbers(table, name, file, remarks)
        right = {FLAG: column.isin((0.0, 1.0)), DAYS: column > 0, NUMBER: column.notna()}
        wrong = column.notna() & ~right[kind]
    for line in table.index[wrong]:
        near = nearest(column[line], kind) if isinstance(kind, tuple) else None
        expected = kind if isinstance(kind, str) else ", ".join(kind)
        meant = f"did you mean '{near}'?" if near else f"expected {expected}"
        remarks.add(file, f"{name} is '{table[name][line]}'; {meant}; read as unknown", line)
    return column.mask(wrong)
