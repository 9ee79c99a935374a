"""The mathematics behind deepk's experiments: import what you need from the rooms below, or run `deepk list`."""
