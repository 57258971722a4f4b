"""The warehouse: DuckDB, and the models that are built in it from the files in ``sql/``.

```
sql/*.sql ──▶ project ──▶ build ──▶ staging.*, intermediate.*, analytics.*
              headers,     one          │
              order        transaction  ├──▶ checks   rows that should not be there
                                        └──▶ lineage  which column comes from which
```

In: ``printora_raw.*``, as ``pipelines/source/schema.py`` describes it, loaded or not.
Out: one table or view for each file, with its description on the table and on every column.
Alone: ``printora build``.

What is heavy (duckdb, sqlglot, pyarrow) is imported where it is used, so that the command line can
import all of this and still start at once.
"""

from pipelines.warehouse.build import ModelResult, build
from pipelines.warehouse.build_plan import read_state
from pipelines.warehouse.checks import CheckResult, run_checks
from pipelines.warehouse.connection import READER_TIMEOUT, connect, ensure_database
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.metrics import Metric, load_metrics
from pipelines.warehouse.project import Check, Model, Project
from pipelines.warehouse.publish import Published, publish, published_path
from pipelines.warehouse.semantic import semantic_file
from pipelines.warehouse.settings import ModelSettings
from pipelines.warehouse.sql_files import load_project

__all__ = [
    "READER_TIMEOUT",
    "Check",
    "CheckResult",
    "Metric",
    "Model",
    "ModelResult",
    "ModelSettings",
    "Project",
    "Published",
    "build",
    "connect",
    "ensure_database",
    "load_metrics",
    "load_project",
    "publish",
    "published_path",
    "read_state",
    "run_checks",
    "semantic_file",
    "warehouse_lock",
]
