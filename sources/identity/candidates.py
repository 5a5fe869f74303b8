"""Candidates: pairs of states worth a look, found by keys that they share.

Keys depend on nothing but the two states, and under a key a state meets only those among the first `BLOCK_SIZE` known
there. So later deliveries change no earlier pair, and the work grows with the number of new states, however many
firms bear one name or are paid into one account.
"""

from __future__ import annotations

import duckdb

BLOCK_SIZE = 48
"""States under one key that a later state is compared with: the ones known first."""

_SHORTEST_CORE = 2
_SLIPS = {"HAN": (3, 16), "LATIN": (5, 40), "OTHER": (5, 40)}
"""Lengths of names, by script, between which one wrong, missing or extra character is looked for."""

_PLACE = "known_date, batch_date, file_id, row_no, record_kind, record_key"
_SLIP_KEYS = " or ".join(
    f"(script = '{script}' and length(core) between {a} and {b})" for script, (a, b) in _SLIPS.items()
)


def find_candidates(connection: duckdb.DuckDBPyConnection) -> int:
    """Fill ``candidate`` from ``state``; returns the number of keys that more than `BLOCK_SIZE` states share.

    Columns ``left_no`` (the state known later, always a new one), ``right_no`` (numbers of the table ``numbered``,
    which is ``state`` in order of knowledge, without what ends a record).
    """
    connection.execute(
        f"""
        create or replace temp table numbered as
        select row_number() over (order by {_PLACE}) as no, * from state where not is_withdrawn
        """
    )
    connection.execute(
        """
        create or replace temp view keyed as
        select no, is_new, 'ACCOUNT' as kind, hash('A', account_no) as key from numbered where account_no is not null
        union all
        select no, is_new, 'NUMBER', hash('O', party_no_scheme, party_no) from numbered where party_no is not null
        union all
        select no, is_new, 'RECORD', hash('R', record_kind, record_key) from numbered where party_no is not null
        union all
        select no, is_new, 'NAME', hash('N', script, shuffled) from numbered
        """
        + f"where length(core) >= {_SHORTEST_CORE}"
        + f"""
        union all
        select no, is_new, 'SLIP', hash('S', script, unnest(list_append(
            list_transform(range(1, length(core) + 1), lambda i: core[:i - 1] || core[i + 1:]), core
        )))
        from numbered where {_SLIP_KEYS}
        """
    )
    connection.execute(
        """
        create or replace temp table met as
        select kind, no, is_new, key, row_number() over (partition by key order by no) as place
        from (select distinct kind, key, no, is_new from keyed)
        semi join (select distinct key from keyed where is_new) as touched using (key)
        """
    )
    connection.execute(
        f"""
        create or replace temp table candidate as
        select distinct late.no as left_no, early.no as right_no
        from met as late
        join met as early on late.key = early.key and early.place < late.place and early.place <= {BLOCK_SIZE}
        join numbered as l on late.no = l.no
        join numbered as r on early.no = r.no
        where late.is_new and {_IS_WORTH_A_LOOK}
        """
    )
    crowded = connection.execute(
        f"select count(*) from (select key from met group by key having count(*) > {BLOCK_SIZE})"
    ).fetchall()
    return int(crowded[0][0])


_IS_ONE_NUMBER = "(l.party_no = r.party_no and l.party_no_scheme = r.party_no_scheme)"
_IS_ONE_RECORD = "(l.record_kind = r.record_kind and l.record_key = r.record_key)"
_IS_ONE_SCHEME = "coalesce(l.party_no_scheme = r.party_no_scheme, false)"
_IS_WORTH_A_LOOK = f"""
    case late.kind
        when 'RECORD' then l.party_no_scheme <> r.party_no_scheme
        when 'NUMBER' then not {_IS_ONE_RECORD} and l.core <> r.core
        when 'SLIP' then not {_IS_ONE_RECORD} and not {_IS_ONE_SCHEME}
        else not {_IS_ONE_RECORD} and not coalesce({_IS_ONE_NUMBER}, false)
    end
"""
