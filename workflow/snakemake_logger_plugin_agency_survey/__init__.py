"""Snakemake logger plugin: hands Snakemake's log records to ``agency_survey.progress``.

``make report`` sets ``LogHandler.watch`` in its own process; ``snakemake --logger agency-survey`` prints one line a job.
"""

from dataclasses import dataclass, field
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

from agency_survey.progress import Progress


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """One setting, for plain runs of Snakemake."""

    verbose: bool = field(
        default=False,
        metadata={"help": "Also print Snakemake's own messages.", "env_var": False, "required": False},
    )


class LogHandler(LogHandlerBase):
    """Calls ``watch`` with every log record."""

    def __post_init__(self) -> None:
        self.watch = Progress(mode="verbose" if self.settings and self.settings.verbose else "normal")

    def emit(self, record: LogRecord) -> None:
        """Take one of Snakemake's log records."""
        self.watch(record)

    writes_to_stream = property(lambda self: True)
    writes_to_file = property(lambda self: False)
    has_filter = property(lambda self: True)
    has_formatter = property(lambda self: True)
    needs_rulegraph = property(lambda self: False)
