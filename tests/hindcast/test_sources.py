"""Crises are read from a table or from ICB's files; problems are reported by row and do not stop the reader."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.hindcast.sources import read_crises
from crisis_sim.scenario.errors import ScenarioError


def test_a_table_is_read_with_its_outcomes(folder: Path) -> None:
    read = read_crises(folder)
    assert not read.remarks.found
    assert read.files == ["hindcast_inputs.csv", "hindcast_outcomes_dev.csv"]
    assert read.table["crisno"].tolist() == list(range(900, 920))
    assert read.table["mediated"].value_counts().to_dict() == {"no": 10, "yes": 10}
    assert read.table["dur"].tolist()[:4] == [1, 2, 4, 8]


def test_invalid_cells_are_reported_by_line_and_become_unknown(
    folder: Path, snapshot: SnapshotAssertion
) -> None:
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
    assert read.remarks.lines() == snapshot
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


def test_icb_files_are_read_by_the_codebook(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    for name, text in ICB.items():
        (tmp_path / name).write_text(text.strip(), encoding="utf-8")
    read = read_crises(tmp_path)
    assert read.table.to_csv(index=False, float_format="%.4g") == snapshot
    assert read.remarks.lines() == snapshot
