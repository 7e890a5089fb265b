"""A page on which to move a scenario's sliders and see at once what changes: `crisis-sim dashboard`.

`session` is what one visitor has opened, moved, run and picked, and knows of no browser; `changes` reads
off the schema what can be moved and keeps what was; `opened` holds the scenario files that come in
and go out. `runs` runs replicates in the background, and `drawing` says what there is to draw and
tells one replicate. `page`, with its three Vue components, shows it, and `server` serves it on this
machine. The extra `dashboard` brings Solara, which only `page` and `server` import.
"""
