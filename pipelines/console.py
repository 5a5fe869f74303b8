"""What people see at the end of a night: the watch list, broken rules, what was published, and why a table is empty."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from pipelines.dbt_manifest import Manifest
from pipelines.publish import read_manifest
from pipelines.settings import Settings

WARNINGS_SHOWN = 12
BREACHES_SHOWN = 5
CORE_ENTERPRISES_SHOWN = 5
WEAK_GRADE = 8
STATE_STYLE = {"RESTRICTED": "bold red", "WATCH": "yellow", "ENHANCED": "cyan"}


def screen(*, stderr: bool = False) -> Console:
    """Where a command prints: as wide as the terminal, or wide enough for a log file, which has no width of its own."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 140)


def show_morning(settings: Settings, console: Console) -> None:
    """The screen after a night: watch list, broken rules, counts, empty tables with their reasons, paths."""
    folder = settings.published / settings.audience
    manifest = read_manifest(settings.published, settings.audience)
    if manifest is None:
        console.print(f"Nothing has been published in {settings.published} yet; run `anchorwatch nightly`.")
        return
    with duckdb.connect(str(folder / "anchorwatch.duckdb"), read_only=True) as con:
        _watch_list(con, date.fromisoformat(manifest["as_of_date"]), console)
        _score_line(con, console)
        if "risk.core_enterprise_score_daily" in manifest["tables"]:
            _core_enterprises(con, console)
        if "receivable.rule_breach" in manifest["tables"]:  # an earlier release published none
            _rule_breaches(con, date.fromisoformat(manifest["as_of_date"]), console)
        show_landing(con, console)
    _empty_tables(settings, manifest, console)
    rows = sum(table["rows"] for table in manifest["tables"].values())
    console.print(f"\nPublished {len(manifest['tables'])} tables, {rows:,} rows, model {manifest['model_version']}")
    console.print(f"  database  {folder / 'anchorwatch.duckdb'}", soft_wrap=True, highlight=False)
    console.print(f"  Parquet   {folder / 'parquet'}", soft_wrap=True, highlight=False)
    console.print(f"  manifest  {folder / 'manifest.json'}", soft_wrap=True, highlight=False)
    report = settings.reports / manifest["as_of_date"] / "drift.html"
    if report.exists():
        console.print(f"  drift     {report}", soft_wrap=True, highlight=False)


def _watch_list(con: duckdb.DuckDBPyConnection, as_of: date, console: Console) -> None:
    """Early warnings first: who can still be helped or cut. Who is in distress already is a line with a count."""
    counts = con.execute(
        "select watch_state, count(*), count(*) filter (where since_date = as_of_date) from risk.watchlist group by 1 "
        "order by case watch_state when 'RESTRICTED' then 1 when 'WATCH' then 2 else 3 end"
    ).fetchall()
    summary = ", ".join(f"{count:,} {state} ({new:,} new)" for state, count, new in counts) or "nobody"
    rows = con.execute(
        """
        select supplier_id, supplier_name, watch_state, pd_90d, grade, grade_change, exposure_amount, currency,
               case when pd_90d is null then watch_reason else concat_ws('; ', reason_1, reason_2) end as why
        from risk.watchlist
        order by pd_90d is null, case watch_state when 'RESTRICTED' then 1 when 'WATCH' then 2 else 3 end,
                 expected_loss_amount desc nulls last, pd_90d desc nulls last, supplier_id
        limit ?
        """,
        [WARNINGS_SHOWN],
    ).fetchall()
    table = Table(title=f"Watch list, morning after {as_of}: {summary}", title_justify="left", expand=True)
    for name in ("supplier", "state", "PD 90 d", "grade", "exposure"):
        numeric = name in {"PD 90 d", "grade", "exposure"}
        table.add_column(name, justify="right" if numeric else "left", no_wrap=name != "supplier")
    table.add_column("why", ratio=1)
    for supplier_id, name, state, pd, grade, change, exposure, currency, why in rows:
        table.add_row(
            f"{supplier_id} {name or ''}".strip(),
            f"[{STATE_STYLE.get(state, 'white')}]{state}[/]",
            "" if pd is None else f"{pd:.1%}",
            "" if grade is None else f"{grade}{'' if not change else f' ({change:+d})'}",
            "" if exposure is None else f"{exposure:,.0f} {currency}",
            why or "",
        )
    console.print(table)
    total, without = con.execute("select count(*), count(*) - count(pd_90d) from risk.watchlist").fetchall()[0]
    if rest := total - len(rows):
        console.print(f"… and {rest:,} more in risk.watchlist, {min(rest, without):,} of them without a PD")


def _score_line(con: duckdb.DuckDBPyConnection, console: Console) -> None:
    scored, not_scored, mean = con.execute(
        "select count(*) filter (where status = 'SCORED'), count(*) filter (where status = 'NOT_SCORED'), avg(pd_90d) "
        "from risk.supplier_score_latest"
    ).fetchall()[0]
    depth = con.execute("select data_depth, count(*) from risk.supplier_score_latest group by 1 order by 1").fetchall()
    reached = ", ".join(f"{d}: {n:,}" for d, n in depth)
    average = "" if mean is None else f", mean PD {mean:.2%}"
    console.print(f"{scored:,} suppliers scored, {not_scored:,} not scored{average}; data depth {reached}")


def _core_enterprises(con: duckdb.DuckDBPyConnection, console: Console) -> None:
    """On whose promise the book rests: how many are graded, and the weak ones by what could be lost on them."""
    night = "as_of_date = (select max(as_of_date) from risk.core_enterprise_score_daily)"
    graded, without, weak, downgraded = con.execute(
        "select count(grade), count(*) - count(grade), count(*) filter (where grade >= ?), "
        f"count(*) filter (where grade_change > 0) from risk.core_enterprise_score_daily where {night}",
        [WEAK_GRADE],
    ).fetchall()[0]
    console.print(
        f"\nCore enterprises: {graded:,} graded, {weak:,} of them in grade {WEAK_GRADE} to 10, "
        f"{downgraded:,} worse than at the last month-end{f', {without:,} without a grade' if without else ''}; "
        "risk.core_enterprise_score_daily has all"
    )
    rows = con.execute(
        f"""
        select core_enterprise_id, party_name, grade, grade_change, exposure_amount, currency, supplier_count,
               coalesce(override_reason, reason_1) as why
        from risk.core_enterprise_score_daily left join core.dim_core_enterprise using (core_enterprise_id)
        where {night} and (grade >= ? or grade_change > 0)
        order by exposure_amount * pd_12m desc nulls last, grade desc, core_enterprise_id limit ?
        """,
        [WEAK_GRADE, CORE_ENTERPRISES_SHOWN],
    ).fetchall()
    for identifier, name, grade, change, exposure, currency, suppliers, why in rows:
        moved = f" ({change:+d})" if change else ""
        amount = "unknown exposure" if exposure is None else f"{exposure:,.0f} {currency}"
        line = f"  {identifier} {name or ''} grade {grade}{moved}, {amount} to {suppliers:,} suppliers: {why}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _rule_breaches(con: duckdb.DuckDBPyConnection, as_of: date, console: Console) -> None:
    """What broke a rule: counts, and the largest of those that came last and must not be financed."""
    counts = con.execute(
        "select severity, count(*), count(*) filter (where first_known_date = ?) from receivable.rule_breach "
        "group by 1 order by severity = 'FLAG'",
        [as_of],
    ).fetchall()
    summary = ", ".join(f"{count:,} {severity} ({new:,} new)" for severity, count, new in counts) or "none"
    console.print(f"\nRules broken: {summary}; receivable.rule_breach has each with its source")
    newest = con.execute(
        "select first_known_date, rule_id, explanation from receivable.rule_breach where severity = 'HARD' "
        "order by first_known_date desc, amount desc nulls last, breach_id limit ?",
        [BREACHES_SHOWN],
    ).fetchall()
    for known, rule_id, explanation in newest:
        console.print(f"  {known} {rule_id}: {explanation}", soft_wrap=True, highlight=False, markup=False)


def show_landing(con: duckdb.DuckDBPyConnection, console: Console) -> None:
    """What the night could not take in, and the feeds that are late; nothing where all is well."""
    tables = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    if not {"landing_entry", "feed_freshness"} <= tables:
        return
    left = con.execute(
        "select concat_ws('.', source, feed), entry, state, message from monitoring.landing_entry "
        "where as_of_date = (select max(as_of_date) from monitoring.feed_freshness) "
        "order by state <> 'WAITING', source, feed, entry"
    ).fetchall()
    late = con.execute(
        "select source || '.' || feed, newest_delivery_date, promised_date from monitoring.feed_freshness "
        "where status = 'LATE' and as_of_date = (select max(as_of_date) from monitoring.feed_freshness) order by 1"
    ).fetchall()
    if left:
        console.print(f"\nNot taken in of landing: {len(left):,} (monitoring.landing_entry):")
    for place, entry, state, message in left[:WARNINGS_SHOWN]:
        line = f"  {state} {place or 'landing'} {entry}: {message}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if late:
        console.print(f"\nFeeds that are late: {len(late)} (monitoring.feed_freshness):")
    for feed, newest, promised in late:
        line = f"  {feed}: newest delivery {newest}, promised {promised}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _empty_tables(settings: Settings, manifest: dict[str, Any], console: Console) -> None:
    empty = sorted(name for name, facts in manifest["tables"].items() if facts["rows"] == 0)
    if not empty:
        return
    with duckdb.connect() as con:
        glob = str(settings.lake / "receipts" / "**" / "*.parquet")
        loaded = {
            feed
            for (feed,) in con.execute(
                f"select distinct source || '.' || feed from read_parquet('{glob}', union_by_name = true) "
                "where loaded_rows > 0"
            ).fetchall()
        }
    lineage = Manifest(settings.manifest)
    console.print("\nEmpty tables and why:")
    for table in empty:
        missing = sorted(f for f in lineage.feeds_behind(table) if not f.startswith("lake.") and f not in loaded)
        why = f"nothing delivered of {', '.join(missing)}" if missing else "its feeds were delivered, no row qualifies"
        console.print(f"  {table}: {why}", soft_wrap=True, highlight=False)


def describe_score(
    settings: Settings, supplier: str, as_of: date | None, console: Console, *, chinese: bool = False
) -> bool:
    """Print one supplier's score with its reasons; False where there is no such row."""
    database = settings.published / settings.audience / "anchorwatch.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        row = con.execute(
            "select * from risk.supplier_score_daily where supplier_id = ? and model_role = 'champion' "
            "and as_of_date = coalesce(?, (select max(as_of_date) from risk.supplier_score_daily))",
            [supplier, as_of],
        ).df()
        if row.empty:
            return False
        score = row.iloc[0]
        reasons = con.execute(
            "select reason_rank, indicator_id, feature_value, peer_value, contribution, "
            f"{'coalesce(reason_text_zh, reason_text)' if chinese else 'reason_text'} "
            "from risk.score_reason where supplier_id = ? and model_role = 'champion' "
            "and as_of_date = ? order by direction, reason_rank",
            [supplier, score["as_of_date"].date()],
        ).fetchall()
        changes = con.execute(
            "select previous_date, raw_score_change, from_data, from_behaviour, from_model, largest_feature "
            "from risk.score_change where supplier_id = ? and model_role = 'champion' and as_of_date = ?",
            [supplier, score["as_of_date"].date()],
        ).fetchall()
    console.print(f"{supplier} on {score['as_of_date'].date()}, model {score['model_version']}: {score['status']}")
    if score["status"] == "NOT_SCORED":
        console.print(f"  {score['not_scored_reason']}")
        return True
    console.print(
        f"  PD 90 days {score['pd_90d']:.2%}, grade {score['grade']} of 10, score {score['score']}, "
        f"data depth {score['data_depth']}, watch state {score['watch_state']}"
    )
    table = Table("", "indicator", "value", "peers", "contribution", "reason", expand=True)
    for rank, indicator, value, peer, contribution, text in reasons:
        if rank == 1 and table.rows:
            table.add_section()  # what speaks for the supplier
        table.add_row(str(rank), indicator, _number(value), _number(peer), f"{contribution:+.3f}", text)
    console.print(table)
    for previous, change, data, behaviour, of_model, feature in changes:
        console.print(
            f"  Since {previous} its log-odds moved by {change:+.3f}: {data:+.3f} from data, {behaviour:+.3f} from "
            f"behaviour, {of_model:+.3f} from the model; most by {feature}.",
            soft_wrap=True,
            highlight=False,
        )
    return True


def _number(value: float | None) -> str:
    return "missing" if value is None else f"{value:,.4g}"
