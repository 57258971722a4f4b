"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipelines.cli import (
    comparing,
    doctor,
    failures,
    lakes,
    metrics,
    people,
    publishing,
    query,
    redaction,
    terminal,
)
from pipelines.cli.options import Json


class _Guarded(TyperGroup):
    """Ends every command with an exit code and a sentence, never with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        redaction.install()
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(failures.tell_interrupted()) from None
        except Exception as error:
            raise typer.Exit(failures.tell(error)) from None


app = typer.Typer(
    cls=_Guarded,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Its panels would take longer to import than the help may take.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Read Printora's Partner API completely and cheaply, into models that analysts can trust."
    "\n\nExit codes: 0 done and complete, 1 failed, 2 wrong usage or configuration, 3 stopped "
    "early with all that was read safely loaded (run again to go on).",
)

Budget = Annotated[
    int | None, typer.Option(min=1, help="Make at most this many requests, then stop with code 3.")
]
Full = Annotated[
    bool, typer.Option("--full", help="Scan every list, as a first load does, to prove it.")
]

AcceptDeletions = Annotated[
    bool,
    typer.Option(
        "--accept-deletions", help="Mark as deleted what has disappeared in a mass, at once."
    ),
]
Adopt = Annotated[
    bool,
    typer.Option(
        "--adopt", help="Go on with a warehouse of another host, partner, key mode or version."
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"printora-elt {version('printora-elt')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    traceback: Annotated[
        bool,
        typer.Option(
            "--traceback",
            envvar="PRINTORA_TRACEBACK",
            help="On an error, show where in the code it happened.",
        ),
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    terminal.wishes.traceback = traceback


@app.command()
def demo(
    *,
    orders: Annotated[int, typer.Option(min=100, help="Orders in the made-up world.")] = 1_000,
    ui: Annotated[
        bool, typer.Option("--ui", help="Afterwards, open Dagster's UI on it until Ctrl-C.")
    ] = False,
    json: Json = False,
) -> None:
    """Show it all on a made-up world.

    A sandbox API, the main job on it, and the two answers that the product is for. Needs no
    account and no settings. Everything it writes is in .printora/demo, anew each time.
    """
    from pipelines.cli.demo import show

    terminal.wishes.json = json
    raise typer.Exit(show(orders=orders, ui=ui))


@app.command()
def run(
    *,
    budget: Budget = None,
    full: Full = False,
    accept_deletions: AcceptDeletions = False,
    adopt: Adopt = False,
    json: Json = False,
) -> None:
    """Run the main job: sync, build, check."""
    from pipelines.cli.job import Wanted, run_main_job

    terminal.wishes.json = json
    raise typer.Exit(run_main_job(Wanted(budget, full, accept_deletions, adopt)))


@app.command()
def sync(
    *,
    budget: Budget = None,
    full: Full = False,
    accept_deletions: AcceptDeletions = False,
    adopt: Adopt = False,
    json: Json = False,
) -> None:
    """Read what changed, and certify what is complete."""
    from pipelines.cli.job import Wanted, run_sync

    terminal.wishes.json = json
    raise typer.Exit(run_sync(Wanted(budget, full, accept_deletions, adopt)))


@app.command()
def build(
    *,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            "-s",
            help="Only these models, and what must agree with them: fct_orders, +fct_orders (with "
            "all that it reads), fct_orders+ (with all that reads it), tag:NAME. May be given "
            "several times.",
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop tables of models that are no longer in sql/.")
    ] = False,
    json: Json = False,
) -> None:
    """Compute the models in sql/ and check them. Asks no API."""
    from pipelines.cli.job import run_build

    terminal.wishes.json = json
    raise typer.Exit(run_build(select, prune=prune))


@app.command()
def status(*, json: Json = False) -> None:
    """Tell how complete and fresh it all is. Asks no API."""
    from pipelines.cli.status import show

    terminal.wishes.json = json
    raise typer.Exit(show())


@app.command()
def report(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path(
        "report.html"
    ),
) -> None:
    """Write both answers as one web page that loads nothing."""
    from pipelines.cli.job import write_page

    write_page(output)


app.command()(doctor.doctor)
app.command()(publishing.publish)

certificates = typer.Typer(no_args_is_help=True, help="What syncs have certified.")
app.add_typer(certificates, name="certificates")


@certificates.command("list")
def list_certificates(
    *,
    last: Annotated[int, typer.Option(min=1, help="So many rows, the newest first.")] = 30,
    json: Json = False,
) -> None:
    """List the newest certificates."""
    from pipelines.cli.withdrawing import show

    terminal.wishes.json = json
    raise typer.Exit(show(last))


@certificates.command()
def withdraw(
    sync_id: Annotated[str, typer.Argument(help="The sync, as `certificates list` shows it.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it stays in the certificate.")] = "by hand",
    json: Json = False,
) -> None:
    """Take back what a sync has certified: the next one proves it anew."""
    from pipelines.cli.withdrawing import withdraw as take_back

    terminal.wishes.json = json
    raise typer.Exit(take_back(sync_id, reason))


app.command()(query.query)
app.command()(metrics.metrics)
app.command()(comparing.compare)
app.command()(lakes.compact)
app.command()(people.forget)
app.command()(people.rotate_pseudonyms)


@app.command()
def sandbox(
    *,
    orders: Annotated[int, typer.Option(min=0, help="Orders that exist at the start.")] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 7,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 8_484,
    ledger: Annotated[
        Path, typer.Option(help="Where the partner's list of sessions is kept up to date.")
    ] = Path(".printora/sandbox/sessions.jsonl"),
    speed: Annotated[
        float, typer.Option(min=0.0, help="Seconds in the world for each real second.")
    ] = 1.0,
    api_version: Annotated[str, typer.Option(help="1.0 or 1.1: paths, shapes and limits.")] = "1.0",
    limits: Annotated[
        bool, typer.Option(help="Whether the API's limits on requests apply.")
    ] = True,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SHARE",
            help="Let this share of the requests fail, 0..1. A wrong name is told all there are.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other setting. A wrong name is told all, and what each means.",
        ),
    ] = None,
) -> None:
    """Serve a stand-in for Printora's API, until Ctrl-C."""
    from pipelines.cli.serve import config, serve
    from pipelines.sandbox import WorldOptions

    chosen = config(
        world=WorldOptions(orders=orders, seed=seed),
        ledger_path=ledger,
        speed=speed,
        api_version=api_version,
        limited=limits,
        faults=fault or [],
        changes=set_ or [],
    )
    serve(chosen, port)
