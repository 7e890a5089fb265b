"""The dashboard, a web page with sliders for a scenario's parameters and the results: `crisis-sim dashboard`.

`session` contains the state of a visitor, independent of a browser; `changes` derives the sliders from the schema, and
opens and saves scenarios; `view_data` prepares results for the page. `page` and its Vue components are the web page, and
`server` serves it; only these two import Solara, from the extra `dashboard`.
"""

from __future__ import annotations

#: The default scenario, replicates and seed.
SCENARIO, REPLICATES, SEED = "may_2025", 4_000, 1
#: The loopback address, which no other machine can reach.
HOST, PORT = "127.0.0.1", 8765
#: Range of the number of crises of each scenario: fewer have no intervals, more take too long.
FEWEST, MOST = 100, 100_000
