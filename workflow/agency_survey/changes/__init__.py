"""What moved in the report since the accepted build or any other, which lines it crosses, and what moved it."""

from agency_survey.changes.accepted import accept, after_build, brief
from agency_survey.changes.compare import Moved, moved, snapshot

__all__ = ["Moved", "accept", "after_build", "brief", "moved", "snapshot"]
