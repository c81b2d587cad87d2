"""Runs one command and writes what it took as JSON: [seconds, CPU seconds, peak MiB, exit code].

    python -S bench/measuring.py RESULT OUTPUT ERRORS COMMAND...

A process of its own, and a small one: the peak of a child begins with the memory of whoever started it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main(result: str, output: str, errors: str, *command: str) -> None:
    with Path(output).open("wb") as out, Path(errors).open("wb") as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    code = process.returncode = os.waitstatus_to_exitcode(status)
    Path(result).write_text(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, code]))


if __name__ == "__main__":
    main(*sys.argv[1:])
