"""Property-based tests try the same examples each time, so that a change alone can break them.

`HYPOTHESIS_PROFILE=search` tries new ones: `make search` runs the tests so.
"""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
