"""`python -m maintd` and the console script: the exit code of the command line."""

import sys

from maintd.cli import cli
from maintd.cli.process import prepare


def main() -> None:
    """Run the command that was typed."""
    prepare()
    sys.exit(cli())


if __name__ == "__main__":
    main()
