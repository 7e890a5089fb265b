"""Make a fit the model's own: `python docs/tools/adopt_fit.py FOLDER` writes its best values into the defaults.

FOLDER is that of a finished `crisis-sim experiment fit_to_the_record`. Its best values become the defaults of
crisis_sim/scenario/behaviour.py, to three digits, and the hundred of its sets that weigh most become
crisis_sim/scenario/fits.csv. With `--hindcast` FOLDER is that of `fit_for_the_hindcast`, and its best values become
those of crisis_sim/hindcast/fitted.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from pathlib import Path

from crisis_sim.scenario.schema import Behaviour

ROOT = Path(__file__).resolve().parents[2] / "crisis_sim"
#: How many sets are shipped.
SETS = 100


def write_defaults(best: dict[str, float], file: Path) -> None:
    """Put values into the lines of parameters, by their paths."""
    text = file.read_text(encoding="utf-8")
    for path, value in best.items():
        _, part, name = path.split(".")
        group = Behaviour.model_fields[part].annotation.__name__  # type: ignore[union-attr]
        start = text.index(f"class {group}(")
        end = text.find("\nclass ", start) if "\nclass " in text[start:] else len(text)
        line = re.compile(rf"(    {name}: Number = parameter\()[-+.e\d]+")
        changed, count = line.subn(rf"\g<1>{float(f'{value:.3g}'):g}", text[start:end])
        if count != 1:
            raise SystemExit(f"{file.name}: {group} has no line of a parameter '{name}'")
        text = text[:start] + changed + text[end:]
    file.write_text(text, encoding="utf-8")


def write_sets(found: Path, file: Path) -> None:
    """The sets that weigh most, the heaviest first."""
    with found.open(encoding="utf-8", newline="") as source:
        head, *rows = csv.reader(source)
    rows.sort(key=lambda row: -float(row[0]))
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerows([head, *([f"{float(x):.3g}" for x in row] for row in rows[:SETS])])


def main() -> None:
    """Read the command line, and adopt the fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hindcast", action="store_true")
    asked = parser.parse_args()
    best = json.loads((asked.folder / "summary.json").read_text(encoding="utf-8"))["best"]
    if asked.hindcast:
        file = ROOT / "hindcast" / "fitted.json"
        kept = json.loads(file.read_text(encoding="utf-8"))
        kept["behaviour"] = {k: float(f"{v:.4g}") for k, v in best["parameters"].items()}
        file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    else:
        write_defaults(best["parameters"], ROOT / "scenario" / "behaviour.py")
        write_sets(asked.folder / "sets.csv", ROOT / "scenario" / "fits.csv")


if __name__ == "__main__":
    main()
