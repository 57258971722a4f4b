"""What people read: the report as one web page, and the data dictionary.

In: a warehouse whose marts are built. Out: one HTML file, or the plots one by one.

    write_report(connection, Path("report.html"))
"""

from pipelines.report.queries import MARTS
from pipelines.report.report import plots, write_report

__all__ = ["MARTS", "plots", "write_report"]
