"""Print the number of the crisis whose two durations are nearest to those of May 2025.

python nearest.py RESULTS
"""

import sys

import numpy as np

from crisis_sim import read_batch

DAYS_TO_STRIKE, HOURS_TO_CEASEFIRE = 14.4, 88

crises = read_batch(sys.argv[1]).ensembles["may_2025"]
strike = crises.column("first_strike_at_hours")
ceasefire = crises.column("ceasefire_in_effect_at_hours")
# Distances are ratios: half as long is as far off as twice as long. NaN if there was no strike or no ceasefire.
with np.errstate(invalid="ignore"):
    distance = abs(np.log(strike / (24 * DAYS_TO_STRIKE)))
    distance += abs(np.log((ceasefire - strike) / HOURS_TO_CEASEFIRE))
print(np.nanargmin(distance))
