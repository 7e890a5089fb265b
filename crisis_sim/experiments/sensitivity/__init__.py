"""Sensitivity: which parameters an outcome turns on, by SALib's methods on designs of crises.

What is varied, and how it is drawn, is in `drawn`; points of the unit cube in `layouts`; indices of
figures in `estimators`, Sobol's with Monte Carlo noise taken out in `sobol_terms`; what luck and the
choice of points leave open in `indices`; one factor moved at a time in `tornado`; words in `answer`,
tables in `tables`.
"""
