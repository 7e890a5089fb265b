from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.commands import ROOT, run_python

MEGABYTE = 1e6


def test_a_command_tells_what_it_printed_and_took():
    command, printed = run_python(["-c", "import time; time.sleep(0.2); print('done')"], "sleep")
    assert printed == "done\n"
    assert 0.2 <= command.seconds < 30
    assert 1 < command.peak_memory_mb < 1_000


def test_a_command_that_fails_says_why():
    with pytest.raises(RuntimeError, match=r"(?s)mine ended with 3.*because"):
        run_python(["-c", "import sys; print('because', file=sys.stderr); sys.exit(3)"], "mine")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
def test_the_memory_of_a_family_is_that_of_all_its_members():
    large = "import time; held = bytearray(60_000_000); time.sleep(0.6)"
    family = (
        "import subprocess, sys; code = sys.argv[1]; "
        "[p.wait() for p in [subprocess.Popen([sys.executable, '-c', code]) for _ in '12']]"
    )
    command, _ = run_python(["-c", family, large], "a family")
    assert command.family_memory_mb is not None
    assert command.family_memory_mb > 120 > command.peak_memory_mb
    assert command.memory_mb == command.family_memory_mb


def test_what_can_be_asked_for_is_told():
    asked = [sys.executable, "-m", "benchmarks", "--help"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT)
    for option in ("--quick", "--most", "--out"):
        assert option in done.stdout
    assert done.stderr == ""
