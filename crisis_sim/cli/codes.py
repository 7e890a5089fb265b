"""The codes with which commands exit."""

from __future__ import annotations

DONE, CHECK_FAILED, MISTAKE, BLOCKS_FAILED = 0, 1, 2, 3
#: After Ctrl-C and after a request to terminate: 128 and the signal's number, as shells have it.
INTERRUPTED, TERMINATED = 130, 143

EXIT_CODES = """\
Exit codes: 0 done; 1 done, but a check failed; 2 a mistake in what was asked for; \
3 some blocks of a batch failed; 130 interrupted; 143 terminated."""
