"""Holding a backup of unchanged objects against the cluster, on a real control plane.

    python bench/diff.py [--objects 2000] [--rounds 3]

The objects are those of bench/backup.py, backed up by maintd. Both are whole processes that come to the same, that
nothing differs: `maintd diff`, and `kubectl diff --server-side` of the very files of the backup. They take turns; each
figure is the median of the rounds.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from backup import PATHS, Cost, cost, maintd, median
from seeding import control_plane, seed
from tables import table

TARGET = 8.0


def diff(kubeconfig: Path, folder: Path) -> Cost:
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "MAINTD_STORAGE": f"file://{folder / 'store'}",
        "MAINTD_CLUSTER": "bench",
    }
    found = cost([sys.executable, "-m", "maintd", "diff"], environment, folder / "diff.txt")
    print(f"  maintd: {(folder / 'diff.err').read_text().splitlines()[-1]}", file=sys.stderr)
    return found


def kubectl(kubeconfig: Path, folder: Path) -> Cost:
    [backup] = (folder / "store" / "bench" / "backups").iterdir()
    files = [argument for kind in PATHS for path in backup.glob(f"*/{kind}*.yaml") for argument in ("-f", str(path))]
    command = ["kubectl", "diff", "--server-side", "--force-conflicts", *files]
    return cost(command, {"KUBECONFIG": str(kubeconfig)}, folder / "kubectl.txt")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    costs: dict[str, list[Cost]] = {"kubectl diff --server-side": [], "maintd diff": []}
    with control_plane() as kubeconfig, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(seed(kubeconfig, options.objects))
        maintd(kubeconfig, folder)
        for _ in range(options.rounds):
            for found, peer in zip(costs.values(), (kubectl, diff), strict=True):
                found.append(peer(kubeconfig, folder))
    theirs, ours = map(median, costs.values())
    rows = [
        [
            name,
            f"{found.seconds:.2f}",
            f"{theirs.seconds / found.seconds:.1f}x",
            f"{found.cpu:.2f}",
            f"{found.mebibytes:.0f}",
        ]
        for name, found in zip(costs, (theirs, ours), strict=True)
    ]
    print(f"\n{options.objects:,} unchanged objects")
    print(table(["", "seconds", "vs kubectl", "CPU seconds", "peak MiB"], rows))
    ratio = theirs.seconds / ours.seconds
    print(f"against kubectl: {ratio:.1f}, target {TARGET}: {'met' if ratio >= TARGET else 'MISSED'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
