"""Change one simulated crisis: go back to a moment, change one thing, and see what comes of it.

`past` follows a crisis step by step, says when its milestones were, changes it at a moment and goes on; `branch` puts the
changed history beside the first, or many futures of each; `why` undoes every step on the way to an outcome. The modules bear
the names of their functions, which `crisis_sim` itself offers.
"""
