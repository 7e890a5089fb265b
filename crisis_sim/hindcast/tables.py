"""CSV files of real crises as tables of text, and remarks on what is wrong in them, by file and line."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest

#: Cells that say nothing.
NOTHING = ("", "NA", "NaN", "nan", ".", "-99")
#: Lines that a remark names at most.
MOST_LINES = 6


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


def mistake(path: Path, message: str, expected: str = "", near: str = "") -> ScenarioError:
    """The error of a file or folder that cannot be read at all."""
    return ScenarioError([Mistake(str(path), 0, 0, message, expected, near)])


def read_table(path: Path, remarks: Remarks) -> pd.DataFrame:
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
        raise mistake(path, f"not a table: {error}", "a CSV file") from None
    twice = [name for name in names if names.count(name) > 1]
    if twice or not names:
        message = f"two columns are called '{twice[0]}'" if twice else "the file is empty"
        raise mistake(path, message, "a line of names of columns, all different")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names, dtype=object)
    return table.mask(table.isin(NOTHING))


def numbers(table: pd.DataFrame, name: str, file: str, remarks: Remarks) -> pd.Series:
    """A column as finite numbers; unknown, with a remark, where it holds anything else."""
    if name not in table:
        return pd.Series(math.nan, table.index)
    found = pd.to_numeric(table[name], errors="coerce").astype(float)
    found = found.where(found.abs() < math.inf)
    for line in table.index[table[name].notna() & found.isna()]:
        said = f"{name} is '{table[name][line]}'; expected a number; read as unknown"
        remarks.add(file, said, line)
    return found


def of_crises(path: Path, remarks: Remarks) -> pd.DataFrame:
    """A table whose rows have a crisis's number, `crisno`; those without one are left out."""
    table = read_table(path, remarks)
    if "crisno" not in table:
        near = nearest("crisno", list(table)) or ""
        raise mistake(path, "no column 'crisno'", "the crisis's number in ICB", near)
    table = table.assign(crisno=numbers(table, "crisno", path.name, remarks))
    if lacking := table.index[table["crisno"].isna()].tolist():
        remarks.add(path.name, "no crisno; left out", *lacking)
    return table[table["crisno"].notna()].astype({"crisno": int})
