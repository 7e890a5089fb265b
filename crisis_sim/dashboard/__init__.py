"""A page on which to move a scenario's sliders and see at once what changes: `crisis-sim dashboard`.

`session` is what one visitor has opened, moved and picked, and knows of no browser; `sliders` reads
off the schema what can be moved, `changes` is what was, `opened` and `saved` are the scenario files
that come in and go out. `latest` has work done in the background, the newest first; `runs` runs
replicates. `drawing` says what there is to draw, `crisis` tells one replicate. `page`, with its three
Vue components, shows it, and `server` serves it on this machine. The extra `dashboard` brings Solara,
which only `page` and `server` import.
"""
