"""Speed and memory of Crisis Sim, compared with Mesa models and with the least that NumPy needs.

`make bench` measures everything in one run on one machine, so that the figures can be compared.
"""
