"""The command line: a file for each family of commands, and how it ends."""


def main() -> None:
    """Run the command that the arguments say; the process ends with its exit code."""
    from fanfold.cli.exits import leave_when_stopped

    leave_when_stopped()  # before the imports, which take a while
    from fanfold.cli.app import main as run

    run()
