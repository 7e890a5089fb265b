"""`python -m benchmarks.stopwatch COMMAND ...`: run a command; print its exit code, time, memory and output as JSON.

A small process of its own, because on Linux a command's peak memory includes that of the process that started it.
"""

import json
import os
import subprocess
import sys
import time

if __name__ == "__main__":
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
    printed = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    taken = {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": time.perf_counter() - started,
        "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "printed": printed,
    }
    print(json.dumps(taken))
