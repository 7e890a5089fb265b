"""Crises are read from a table or from ICB's files; problems are reported by row and do not stop the reader."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from crisis_sim.hindcast.sources import read_crises
from crisis_sim.scenario.errors import ScenarioError
from tests.hindcast.made_up_crises import made_up


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with twenty made-up crises and their outcomes."""
    return made_up(tmp_path)


def test_a_table_is_read_with_its_outcomes(folder: Path) -> None:
    read = read_crises(folder)
    assert not read.remarks.found
    assert read.files == ["hindcast_inputs.csv", "hindcast_outcomes_dev.csv"]
    assert read.table["crisno"].tolist() == list(range(900, 920))
    assert read.table["mediated"].value_counts().to_dict() == {"no": 10, "yes": 10}
    assert read.table["dur"].tolist()[:4] == [1, 2, 4, 8]


def test_invalid_cells_are_reported_by_line_and_become_unknown(folder: Path) -> None:
    path = folder / "hindcast_inputs.csv"
    table = pd.read_csv(path, dtype=object).drop(columns="regime_b_icb")
    table.loc[0, "grav_first"] = "teritorial"
    table.loc[[1, 2], "ln_cinc_ratio"] = "much"
    table.loc[3, "nuclear_a"] = "2"
    table.loc[4, "crisno"] = table.loc[5, "crisno"]
    table.loc[6, "crisno"] = ""
    table.loc[7, "start"] = ""
    lines = [*table.to_csv(index=False).splitlines(), ",".join(["1"] * 40), "990,SHORT"]
    path.write_text("\n".join(lines), encoding="utf-8")
    read = read_crises(folder)
    assert read.remarks.lines() == [
        "hindcast_inputs.csv:22: more cells than columns (14); row skipped",
        "hindcast_inputs.csv:23: fewer cells than columns; the others are unknown",
        "hindcast_inputs.csv:8: no crisno; row skipped",
        "hindcast_inputs.csv:7: the crisis is in the table already; row skipped",
        "hindcast_inputs.csv: no column 'regime_b_icb'; treated as unknown",
        "hindcast_inputs.csv:2: grav_first is 'teritorial' (did you mean 'territorial'?); treated as unknown",
        "hindcast_inputs.csv:5: nuclear_a is '2', expected 0 or 1; treated as unknown",
        "hindcast_inputs.csv:3,4: ln_cinc_ratio is 'much', expected a number; treated as unknown; 2 rows",
        "hindcast_inputs.csv:9,23: no date of the trigger (start); assigned to no era; 2 rows",
    ]
    assert len(read.table) == 20 - 2 + 1
    assert read.table["ln_cinc_ratio"].isna().sum() == 3


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("nothing.csv", "a,b", "no crises to read"),
        ("hindcast_inputs.csv", "crisnr,start\n1,1950-01-01", "did you mean 'crisnr'"),
        ("hindcast_inputs.csv", "crisno,one\n1,2", "none of the expected columns"),
        ("hindcast_inputs.csv", "crisno,crisno\n1,2", "two columns are called 'crisno'"),
        ("hindcast_inputs.csv", "", "the file is empty"),
        ("hindcast_inputs.csv", "crisno,trigger_type\n,violent", "no crisis can be read"),
    ],
)
def test_unreadable_files_are_errors(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        read_crises(tmp_path)


ICB = {
    "icb1v15.csv": """
crisno,crisname,yrtrig,motrig,datrig,yrterm,moterm,daterm,forout,viol,mediate
1,BEFORE,1930,1,1,1930,2,1,1,1,1
901,TWO ACTORS,1951,3,7,1951,3,16,3,2,4
902,ONE ACTOR,1960,5,99,1960,6,2,7,9,1
903,BACKWARDS,1961,2,3,1961,2,1,1,1,1
904,NO PAIR,1970,2,3,1970,2,5,1,1,1
905,NO ACTOR,1971,2,3,1971,2,5,1,1,1
""",
    "icb2v15.csv": """
crisno,cracid,yrtrig,motrig,datrig,triggr,trigent,gravty,regime,nuccap,pc
901,801,1951,3,9,9,802,3,1,1,2
901,802,1951,3,7,7,801,5,3,1,2
902,2,1960,5,4,2,365,4,1,4,3
903,803,1961,2,3,12,995,3,1,1,1
904,804,1970,2,3,8,996,6,2,1,1
""",
    "icbdyv15.csv": "\ncrisno,statea,stateb\n901,801,802\n903,803,801\n903,801,803\n",
    "nmc.csv": "\nccode,year,cinc\n801,1950,0.02\n802,1949,0.01\n802,1955,0.5\n",
    "notes.csv": "\nx\n1\n",
}


def test_icb_files_are_read_by_the_codebook(tmp_path: Path) -> None:
    for name, text in ICB.items():
        (tmp_path / name).write_text(text.strip(), encoding="utf-8")
    read = read_crises(tmp_path)
    rows = read.table.set_index("crisno").to_dict("index")
    first, second, third = rows[901], rows[902], rows[903]
    assert list(rows) == [901, 902, 903]
    assert (first["a"], first["b"], first["start"]) == (802, 801, "1951-03-07")
    assert first["trigger_type"] == "nonviolent_military"
    assert (first["regime_a_icb"], first["regime_b_icb"]) == ("military_direct", "democratic")
    assert (first["ending"], first["violence"], first["mediated"]) == ("tacit", "minor", "yes")
    assert first["dur"] == 10
    assert first["ln_cinc_ratio"] == pytest.approx(math.log(0.01 / 0.02))
    assert first["n_dyads"] == 1
    # The adversary is not an actor: a state named as the trigger, with nuclear weapons since 1949.
    assert [second[name] for name in ("b", "nuclear_a", "nuclear_b")] == [365, 1, 1]
    assert pd.isna(second["ln_cinc_ratio"])
    assert (second["ending"], second["start"], second["dur"]) == ("faded", "1960-05-15", 19)
    assert pd.isna(second["violence"])
    assert (third["b"], third["n_dyads"]) == (801, 1)
    assert pd.isna(third["trigger_type"])
    assert math.isnan(third["dur"])
    assert read.remarks.lines() == [
        "icb1v15.csv:4: viol is 9, not a code of version 16; treated as unknown",
        "icb2v15.csv:5: triggr is 12, not a code of version 16; treated as unknown",
        "icb1v15.csv: not version 16; read with the codebook of version 16",
        "icb2v15.csv: not version 16; read with the codebook of version 16",
        "notes.csv: unknown kind of file; ignored",
        "icb1v15.csv:2: a crisis before 1945; row skipped",
        "icb1v15.csv:4: date without a day (yrtrig); the middle of the month is used",
        "icb1v15.csv:5: ends before it begins; its duration is unknown",
        "icb1v15.csv:6: no pair of states: a single actor, and no adversary that is a state; row skipped",
        "icb1v15.csv:7: no actor; row skipped",
    ]
