"""A page on which to move a scenario's sliders and see at once what changes: `crisis-sim dashboard`.

`session` is what one visitor has opened, moved, run and picked, and knows of no browser; `changes` reads off the schema
what can be moved, and `scenario_files` opens and saves scenarios. `drawing` turns replicates into data to show.
`page`, with its Vue components, shows it, with `nowcast` and `play`, and `server` serves it; only these four import Solara,
of the extra `dashboard`.
"""
