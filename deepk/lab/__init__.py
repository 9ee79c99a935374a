"""What every experiment shares: claims and their verdicts, the record of a run, its folder, and the runner."""

from deepk.lab.claims import Claim, Verdict

__all__ = ["Claim", "Verdict"]
