"""`python -m crisis_sim`: the same as `crisis-sim`."""

from __future__ import annotations

from crisis_sim.cli import main

if __name__ == "__main__":
    main()
