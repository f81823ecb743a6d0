"""The command `tradelogs`, and `python -m tradelogs`: the command line as a process of its own."""

import signal


def main() -> None:
    """Run the command line; while it is still being imported, Ctrl-C ends the process without a word."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and is not ignored, as in a script's background
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tradelogs.cli import main as run  # noqa: PLC0415 - see above

    run(prog_name="tradelogs")


if __name__ == "__main__":
    main()
