"""Every bench, one after the other: about half an hour on two quiet cores.

make bench
"""

import subprocess
import sys
from pathlib import Path

BENCHES = (
    "commands.py",
    "idle.py",
    "same_second.py",
    "probe.py",
    "delete.py",
    "backup.py",
    "verify.py",
    "diff.py",
    "restore.py",
)

if __name__ == "__main__":
    for name in BENCHES:
        print(f"\n== {name}\n", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).with_name(name))], check=False)
