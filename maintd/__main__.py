"""`python -m maintd` and the console script: the exit code of the command line."""

from maintd.cli import cli
from maintd.cli.process import leave, prepare


def main() -> None:
    """Run the command that was typed."""
    prepare()
    try:
        cli()
    except SystemExit as end:
        leave(end.code)


if __name__ == "__main__":
    main()
