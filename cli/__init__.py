"""The command line: parse, compose, dispatch, print."""
