"""One module for each figure family: what is predicted, measured, claimed and drawn."""
