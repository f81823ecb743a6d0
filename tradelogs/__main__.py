"""`python -m tradelogs`: the command line."""

from tradelogs.cli import main

if __name__ == "__main__":
    main(prog_name="tradelogs")
