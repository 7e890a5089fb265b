"""What can go wrong with a batch, said to the person who asked for it.

BatchError            a batch cannot be run as asked, or a block of it failed
└── ResultsError      a folder cannot be read or written as results
"""

from __future__ import annotations


class BatchError(Exception):
    """A batch cannot be run as it was asked for, or a block of it failed."""


class ResultsError(BatchError):
    """A folder does not hold results that can be read, or cannot take the results of a run."""
