"""Histories: change a crisis and follow the consequences, filter crises by evidence, explain an outcome, or play.

`one_crisis` runs a crisis to a moment, changes it there, and lists or undoes its events; `branch` compares the changed
crisis, or many futures of it, with the original; `why` undoes every event that led to an outcome. `evidence` reads dated
observations of a crisis; `nowcast` selects the simulated histories that agree with them, and shows their futures. `game`
lets people decide for states. Import the functions `branch`, `nowcast` and `why` from `crisis_sim`: here these names are
modules.
"""
