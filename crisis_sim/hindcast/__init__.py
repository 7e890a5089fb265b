"""Hindcast: real crises, predicted one by one from what was known at their triggers, and scored.

`sources` reads the crises of a folder. `forecast` turns what was known of each into parameters of the scenario `since_1945`,
and runs it; `scores` compares the forecasts with what came, beside climatology and a statistical baseline; `run` does all of
it, on demand leaving crises out of the fit; `show` puts it into tables and charts.
"""
