"""Makes docs/fit.md from what the first fit of the second generation came to.

python docs/tools/fit_page.py
"""

from __future__ import annotations

import csv
from string import Template

from console import DOCS

PAGE, FOLDER = DOCS / "fit.md", DOCS / "fit"
TEXT = Template("""# The first fit of the second generation

<!-- Made by docs/tools/fit_page.py from docs/fit/. -->

The defaults of [the parameters marked as fitted](parameters.md#fitted-and-fixed) come from one first fit. It gives one point,
not yet all points that fit as well, and it used nearly all of the record, so that agreement with it is no test. How the
model as it is compares with the record, and with which scenarios, is on [the validation's page](validation.md).

- **What is fitted.** $parameters behavioural parameters, alike in all crises, and those that read the facts of a trigger: how
  violent it begins, by kind; how much is at stake by gravity and in protracted conflicts; how often and how much a state
  claims; how soon third parties look on, also where a great power is a party. In `since_1945` these stand as
  distributions.
- **To what.** The $facts figures below; 137 more of the same kind by trigger, gravity, power, violence and mediation,
  for the crises of a development set, at half weight; of eight recent cases the day of the first strike, the share of runs with
  one, the days from there to the pause and the share of wars, at half weight; and four requirements that acts and agreements
  are meant: with all values tripled, which is to divide the noise of every choice by three, strikes and agreements stay.
- **Loss.** Squared distance in standard errors, taken from each figure's 95% interval; beyond three standard errors a
  miss counts in proportion (Huber). Times are compared by ratio. A weak prior holds each parameter near where it started.
- **Search.** Damped Gauss-Newton steps. In each step every crisis carries parameters of its own, jittered about the
  present point; a regression of each figure's influence function on the jitter gives all slopes from one pooled run.
  Each crisis carries the facts of a real one. Steps ended when the loss no longer fell by more than its Monte Carlo error.

| figure | record | 95% interval | model | |
|---|--:|:--|--:|:--|
$rows

The last column marks what lies outside its interval. Shares of endings are of crises that ended. Of the further figures these
are farthest off: agreement in minor clashes with a mediator is too rare, strikes in the recent cases are too few
(these cases were chosen because they were struck), the fights of short raids last too long, non-protracted crises become wars too
often, and with all values tripled agreements are too few: whether two states agree hangs too much on chance.

Kept with this page: [the figures](fit/first_fit.csv) and [the parameters](fit/parameters.csv).
""")  # noqa: E501 - lines of the page


def page() -> str:
    """The page."""
    with (FOLDER / "first_fit.csv").open(encoding="utf-8", newline="") as file:
        facts = list(csv.DictReader(file))
    with (FOLDER / "parameters.csv").open(encoding="utf-8", newline="") as file:
        parameters = list(csv.DictReader(file))
    rows = []
    for one in facts:
        unit = " days" if one["unit"] == "days" else ""
        inside = float(one["low"]) <= float(one["model"]) <= float(one["high"])
        rows.append(
            f"| {one['figure']} | {one['record']}{unit} | {one['low']} to {one['high']} | {one['model']} "
            f"| {'' if inside else 'outside'} |"
        )
    return TEXT.substitute(facts=len(facts), parameters=len(parameters), rows="\n".join(rows))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
