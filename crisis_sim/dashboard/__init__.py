"""The dashboard, a web page with sliders for a scenario's parameters and the results: `crisis-sim dashboard`.

`session` contains the state of a visitor, independent of a browser; `changes` derives the sliders from the schema, and
opens and saves scenarios; `view_data` prepares results for the page. `page` and its Vue components are the web page, and
`server` serves it; only these two import Solara, from the extra `dashboard`.
"""
