"""Histories: change one and see what comes of it, filter many by what has been seen, or play one.

`past` follows a crisis step by step, says when its milestones were, changes it at a moment and goes on; `branch` puts the
changed history beside the first, or a thousand futures of each; `why` undoes every step on the way to an outcome.
`evidence` reads what has been seen of a crisis, `filtering` keeps the histories that meet it and shows their futures.
`game` lets persons decide, and shows what their state perceives. The functions `branch` and `why` bear the names of their
modules: they are taken from `crisis_sim` itself.
"""
