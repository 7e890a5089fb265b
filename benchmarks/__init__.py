"""How fast Crisis Sim is and how much memory it takes, beside what Mesa pays, and NumPy at least.

`make bench` measures everything in one run on one machine, so that the figures can be compared.
"""
