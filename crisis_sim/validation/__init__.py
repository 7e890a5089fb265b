"""Validation: the model compared with the historical record, fact by fact and case by case.

`facts` reads the figures and cases of docs/facts and the expectations, and gives verdicts. `run` computes the population
scenario's figure for each fact, and the percentile of each case's real times among the simulated ones;
`crisis_sim.model.observer` counts events that the outcomes do not hold. `show` and `charts` show what was found; `held_out`
predicts each case by a fit that did not see it.
"""
