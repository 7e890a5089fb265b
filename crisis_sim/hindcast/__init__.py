"""Hindcast: forecasts of real crises from the facts known at their triggers, with scores.

`sources` reads the crises of a folder. `forecast` turns their facts into parameters of the scenario `since_1945` and runs
it. `scores` compares the forecasts with the outcomes, climatology and a statistical baseline. `run` combines these steps and
refits the model for cross-validation; `show` presents the results as tables and charts.
"""
