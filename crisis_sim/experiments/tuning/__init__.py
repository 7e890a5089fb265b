"""Tuning, part by part: what a file says, what it varies, what counts as good, and the search.

schema        what a tune experiment says
check         the mistakes in it that types cannot tell
places        numbers of scenarios that are varied, those inside distributions among them
targets       how far figures are from targets
objective     how good a figure is, and what it cost
evaluation    points run and scored
proposals     where to look next: CMA-ES, a Sobol sequence, Optuna's own samplers
journal       trials on disk, so that a search can go on
search        generation after generation
pinned        how well the search pins its parameters down
scenario_file the tuned scenario, as a file that extends the original
told          the answer and the summary
"""
