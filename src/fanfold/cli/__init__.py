"""The command line: a file for each family of commands, and how it ends."""

from fanfold.cli.app import main

__all__ = ["main"]
