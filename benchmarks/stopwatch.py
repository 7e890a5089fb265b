"""`python -m benchmarks.stopwatch COMMAND ...`: run a command; its exit code, time, memory and output as JSON.

A small process between us and the command: Linux counts the memory of whoever starts a command as the command's own.
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
