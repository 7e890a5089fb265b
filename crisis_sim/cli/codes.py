"""The codes with which commands exit."""

from __future__ import annotations

DONE, CHECK_FAILED, MISTAKE, BLOCKS_FAILED, INTERRUPTED = 0, 1, 2, 3, 130

EXIT_CODES = """\
Exit codes: 0 done; 1 done, but a check failed; 2 a mistake in what was asked for; \
3 some blocks of a batch failed; 130 interrupted."""
