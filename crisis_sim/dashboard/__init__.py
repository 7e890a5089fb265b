"""A page on which to move a scenario's sliders and see at once what changes: `crisis-sim dashboard`.

`session` is what one visitor has opened, moved, run and picked, and knows of no browser; `changes` reads off the schema
what can be moved, and opens and saves scenarios. `drawing` turns replicates into data to show.
`page`, with its Vue components, shows it, and `server` serves it; only these two import Solara,
of the extra `dashboard`.
"""
