"""`python -m crisis_sim` does what `crisis-sim` does."""

from __future__ import annotations

from crisis_sim.cli import main

if __name__ == "__main__":
    main()
