"""Dagster: the same calls as the command line, as assets, checks, a job and a schedule.

```
ingestion            models                    checks                  published
printora_raw/*  ──▶  one asset for each   ──▶  one for each file  ──▶  the snapshot
one op: sync()       file in sql/: one op      in sql/checks           for readers
certificates         freshness
what syncs proved    how old that is in the marts
```

Each op is a process of its own under the multiprocess executor, and takes the writer's lock of
``pipelines/warehouse/lock.py`` while it has the database open: ops and runs wait for each other,
and nothing has to be configured for it. Loading the definitions reads the headers in ``sql/`` and
nothing else: no database, no key, no network.
"""
