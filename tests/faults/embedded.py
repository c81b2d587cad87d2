"""`python -m tests.faults.embedded`: maintd as it is, but its probes may reach this machine, as in the demo."""

import os
from functools import partial
from pathlib import Path

from maintd.__main__ import main
from maintd.app import house


def serve() -> None:
    """As the command line says."""
    house.open_house = partial(house.open_house, embedded=Path(os.environ["KUBECONFIG"]))  # type: ignore[assignment]
    main()


if __name__ == "__main__":
    serve()
