"""What a command ends with: tables for a person or one document for a machine, and the code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from pipelines.cli import answers, failures, publishing, tables, terminal, warehouses
from pipelines.cli.certificates import Certificate, complete_as_of, read_last
from pipelines.warehouse import CheckResult, ModelResult, Published
from pipelines.words import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.settings import Settings
    from pipelines.sync import SyncResult


@dataclass(frozen=True)
class Built:
    """What a build made, and what the checks found.

    ``along`` was built although nobody named it, so that all agree; ``stale`` is older than the
    data, the settings or its file; ``removed`` has no file any more.
    """

    models: Sequence[ModelResult]
    checks: Sequence[CheckResult]
    published: Published | None = None
    along: Sequence[str] = ()
    stale: Sequence[str] = ()
    removed: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        """1 where a check of severity error found rows, else 0."""
        return failures.FAILED if any(found.is_error for found in self.checks) else failures.DONE


@dataclass(frozen=True)
class Answers:
    """What the warehouse says when a job has ended."""

    funnel: answers.Funnel
    latencies: Sequence[answers.Latency]
    certificates: Sequence[Certificate]

    @property
    def exit_code(self) -> int:
        """0 where all that is read is proven complete, else 3."""
        proven = complete_as_of(self.certificates) is not None
        return failures.DONE if proven else failures.PARTIAL


def read_answers(connection: DuckDBPyConnection) -> Answers:
    """Read what there is to tell."""
    funnel, latencies = answers.funnel(connection), answers.latencies(connection)
    return Answers(funnel, latencies, read_last(connection))


def tell_job(synced: SyncResult, built: Built, settings: Settings) -> int:
    """Tell how the main job ended; return its exit code.

    It is the worst of the sync's, the build's and of what the warehouse says at the end. But a
    check on tables that are not complete yet may find what the next run brings: then the code says
    that there is more to load, and the findings are shown.
    """
    with warehouses.reading() as connection:
        told = read_answers(connection)
    code = synced.exit_code or built.exit_code or told.exit_code
    _show_sync(synced)
    _show_build(built)
    show_answers(told, settings.models.session_maturity_minutes)
    finish(code, {"sync": sync_document(synced), **build_document(built), **answers_document(told)})
    return code


def tell_sync(synced: SyncResult) -> int:
    """Tell how a sync ended; return its exit code."""
    _show_sync(synced)
    terminal.show(tables.completeness_line(list(synced.resources.values())))
    finish(synced.exit_code, {"sync": sync_document(synced)})
    return synced.exit_code


def tell_build(built: Built) -> int:
    """Tell how a build ended; return its exit code."""
    _show_build(built)
    finish(built.exit_code, build_document(built))
    return built.exit_code


def show_answers(told: Answers, maturity_minutes: int) -> None:
    """Print the funnel, the latencies and the line on completeness."""
    terminal.show(
        tables.funnel_table(told.funnel),
        Text(tables.funnel_note(told.funnel, maturity_minutes) + "\n"),
        tables.latency_table(told.latencies),
        Text(tables.LATENCY_NOTE + "\n"),
        tables.completeness_line(told.certificates),
    )


def answers_document(told: Answers) -> dict[str, Any]:
    """Return the answers as JSON's types."""
    return {
        "funnel": asdict(told.funnel),
        "latency": [asdict(row) for row in told.latencies],
    }


def sync_document(synced: SyncResult) -> dict[str, Any]:
    """Return a sync as JSON's types."""
    return {
        "sync_id": synced.sync_id,
        "outcome": synced.outcome,
        "stopped_by": synced.stopped_by,
        "requests": synced.requests,
        "quota_left": synced.quota_left,
        "resources": {name: asdict(part) for name, part in synced.resources.items()},
    }


def build_document(built: Built) -> dict[str, Any]:
    """Return a build as JSON's types."""
    return {
        "models": [
            {"name": model.name, "rows": model.rows, "seconds": round(model.seconds, 3)}
            for model in built.models
        ],
        "stale": list(built.stale),
        "removed": list(built.removed),
        "checks": [
            {
                "name": result.check.name,
                "severity": result.check.severity,
                "failures": result.failures,
                "sample": result.sample,
                "todo": result.check.todo,
            }
            for result in built.checks
        ],
        "published": publishing.document(built.published),
    }


def _show_sync(synced: SyncResult) -> None:
    terminal.show(tables.certificate_table(list(synced.resources.values())))
    if synced.stopped_by:
        terminal.paragraph("[bold yellow]Stopped early:[/]", synced.stopped_by)


def _show_build(built: Built) -> None:
    seconds = sum(model.seconds for model in built.models)
    failed = [result for result in built.checks if not result.passed]
    passed = len(built.checks) - len(failed)
    terminal.show(
        f"{counted(len(built.models), 'model')} built in {seconds:.1f} s, "
        f"{counted(passed, 'check')} passed."
    )
    if failed:
        terminal.show("", tables.findings_table(failed))
    if built.published:
        terminal.show(Text(publishing.line(built.published)))
    for remark in _remarks(built):
        terminal.note(remark)
    terminal.show("")


def _remarks(built: Built) -> Iterator[str]:
    if built.along:
        yield f"Built along, so that all agree: {', '.join(built.along)}."
    if built.stale:
        yield (
            f"Older than the data, the settings or their files: {', '.join(built.stale)}. Checks "
            "that read them were not run. `printora build` builds them."
        )
    if built.removed:
        yield (
            f"No longer in sql/, and not built any more: {', '.join(built.removed)}. "
            "`printora build --prune` drops them."
        )


def finish(code: int, document: dict[str, Any]) -> None:
    """Print the document, if that is what was asked for."""
    if terminal.wishes.json:
        terminal.print_json({"exit_code": code, **document})
