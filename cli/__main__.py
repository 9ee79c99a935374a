"""`python -m cli` is `deepk`."""

from cli.app import main

main()
