"""Speed and memory of Crisis Sim, compared with other ways to run crises on Mesa, and the coverage of its intervals.

`make bench` measures speed in one run on one machine, so that the figures can be compared.
"""
