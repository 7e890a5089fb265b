"""Validation: comparison of the model with the historical record, fact by fact and case by case.

`facts` reads the record and the expectations, and defines the verdicts. `run` computes the simulated value of each fact, and
the percentile of each case's real times among the simulated ones; `crisis_sim.model.observer` counts the events it needs in
addition to the outcomes. `show` and `charts` present the results; `held_out` predicts each case by a fit without it.
"""
