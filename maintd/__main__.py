"""`python -m maintd` and the console script: the exit code of the command line."""

import sys

from maintd.cli import cli


def main() -> None:
    """Run the command that was typed."""
    sys.exit(cli())


if __name__ == "__main__":
    main()
