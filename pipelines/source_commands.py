"""Commands about one source: `anchorwatch source list`, `new`, `check` and `pull`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import screen
from pipelines.settings import Settings

if TYPE_CHECKING:
    from sources.mapping import Mapping

app = typer.Typer(help="Work on one source of the outside world.", no_args_is_help=True)

_Feed = Annotated[str | None, typer.Option("--feed", help="The feed, such as bank.transaction")]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A file as delivered")],
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Name of a mapping, or a file of one (NAME.yaml)")
    ] = None,
    feed: _Feed = None,
    rows: Annotated[int, typer.Option(min=0, help="Refused records shown of each rule")] = 10,
) -> None:
    """Show what would be loaded of a file, what refused and why. Nothing is loaded.

    Exit code 0: every record would be loaded. 1: some would be refused. 2: the file or the mapping cannot be used.
    """
    from pipelines.source_screens import show_check
    from sources.check import check_file
    from sources.readers import FileRefused
    from sources.yaml_model import MappingError

    _check_file(file)
    chosen = _mapping(mapping, feed)
    try:
        done = check_file(file, chosen, examples=rows)
    except FileRefused as error:
        raise MappingError(f"{file.name} cannot be used with mapping {chosen.name}: {error}") from error
    show_check(done, screen())
    if done.refusal:
        raise typer.Exit(2)
    if done.refused:
        raise typer.Exit(1)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="Name of an extract: a file NAME.yaml in the home's extracts")],
    on: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Delivery date (default: today, UTC)")
    ] = None,
) -> None:
    """Deliver the new rows of a database into landing, as an extract (YAML) says."""
    from sources.extract import load_extract
    from sources.extract import pull as pull_rows

    settings, now = Settings(), datetime.now(UTC)
    settings.prepare()
    extract = load_extract(name, settings.extracts, settings.mappings)
    url = extract.url(os.environ)
    done = pull_rows(extract, settings.landing, (on or now).date(), url, now)
    reached = f"{extract.high_water} {done.mark.text}"
    if done.path is None:
        typer.echo(f"No new row of {name} since {reached}; nothing was written.")
    else:
        typer.echo(f"{done.rows:,} new row{'' if done.rows == 1 else 's'} of {name} up to {reached}: {done.path}")


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="A file as delivered, with the names of its columns")],
    feed: Annotated[str, typer.Option("--feed", help="The feed, such as bank.transaction")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write (default: the screen)")] = None,
) -> None:
    """Draft a mapping from a file's header and first records, each line with its evidence."""
    from pipelines.source_screens import show_draft
    from sources.onboarding.draft import draft_mapping
    from sources.readers import FileRefused
    from sources.yaml_model import MappingError

    _check_file(file)
    _check_feed(feed)
    if out is not None and out.exists():
        raise MappingError(f"There is a file {out} already; name another, or remove it.")
    try:
        draft = draft_mapping(file, feed, Settings().mappings)
    except FileRefused as error:
        raise MappingError(f"No mapping can be drafted from {file.name}: {error}") from error
    if out is None:
        typer.echo(draft.text, nl=False)
    else:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(draft.text, encoding="utf-8")
        except OSError as error:
            raise MappingError(f"{out} cannot be written ({error.strerror}); name another place.") from error
    show_draft(draft, file, out, screen(stderr=out is None))


@app.command("list")
def list_feeds() -> None:
    """Show the feeds, the formats and the mappings there are."""
    from pipelines.source_screens import show_feeds

    show_feeds(Settings().mappings, screen())


def _mapping(mapping: str | None, feed: str | None) -> Mapping:
    """The mapping of a file or a name, or that of a feed's own column names."""
    from sources.contract import load_contracts
    from sources.mapping import identity_mapping
    from sources.mapping_files import load_mapping, read_mapping
    from sources.yaml_model import MappingError

    if mapping is None and feed is None:
        raise MappingError(
            "Neither --mapping nor --feed is given: name a mapping, or the feed of a file that needs none."
        )
    if feed is not None:
        _check_feed(feed)
    if mapping is None:
        assert feed is not None
        return identity_mapping(load_contracts()[feed])
    if mapping.endswith((".yaml", ".yml")):
        path = Path(mapping)
        if not path.is_file():
            raise MappingError(f"There is no file {mapping}; name the file of a mapping, or a mapping by its name.")
        found = read_mapping(path)
    else:
        found = load_mapping(mapping, Settings().mappings)
    if feed is not None and found.feed != feed:
        raise MappingError(f"Mapping {found.name} is for {found.feed}, not for {feed}; leave --feed out.")
    return found


def _check_feed(feed: str) -> None:
    from sources.contract import load_contracts
    from sources.yaml_model import MappingError, nearest

    if feed not in load_contracts():
        raise MappingError(f"There is no feed {feed}{nearest(feed, load_contracts())}.")


def _check_file(file: Path) -> None:
    from sources.yaml_model import MappingError

    if not file.is_file():
        raise MappingError(f"There is no file {file}; name the file as it was delivered.")
