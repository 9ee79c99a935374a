"""Numbers as the papers print them, each with where it stands."""
