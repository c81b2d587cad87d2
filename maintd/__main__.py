"""`python -m maintd` and the console script: the exit code of the command line."""

import sys


def main() -> None:
    """Run the command that was typed."""
    from maintd.cli import cli

    sys.exit(cli())


if __name__ == "__main__":
    main()
