"""The report: a static site in Kazakh, Russian and English, written from one release alone.

Belongs here: reading a release's tables, drawing them, and the words and pages around them. Does not belong here:
computing a figure, deciding what is withheld, or anything that needs a network, a clock or the build.
"""

from warehouse.report.site import write_report

__all__ = ["write_report"]
