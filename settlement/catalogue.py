"""What PostgreSQL's catalogue must say for merchants to be kept apart.

Queries as in `settlement/checks.py`: a line of text per violation. Tables are found by their
columns, so that a new one cannot be forgotten.
"""

from __future__ import annotations

_TABLES = """
    SELECT c.oid, c.relispartition AS part, c.relrowsecurity AND c.relforcerowsecurity AS shut
    FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND (
        c.oid = 'accounts_merchant'::regclass OR EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
                AND a.attname IN ('merchant_id', 'book')))
"""
_BOUND = "(tributary_tenant|tributary[.]tenant|tributary_user)"

CATALOGUE = {
    "every merchant's table keeps merchants apart, for its owner too": f"""
        SELECT format('%%s', t.oid::regclass) FROM ({_TABLES}) t
        WHERE NOT t.part AND NOT (t.shut AND EXISTS (
            SELECT FROM pg_policy p
            WHERE p.polrelid = t.oid AND 'tributary_app'::regrole = ANY (p.polroles)))
        UNION ALL
        SELECT format('%%s on %%s', p.polname, t.oid::regclass)
        FROM ({_TABLES}) t JOIN pg_policy p ON p.polrelid = t.oid
        WHERE p.polroles && ARRAY[0::oid, 'tributary_app'::regrole::oid]
          AND NOT (coalesce(pg_get_expr(p.polqual, p.polrelid), '{_BOUND}') ~ '{_BOUND}'
               AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'tributary_tenant')
                   ~ '{_BOUND}')
    """,
    "nobody reaches past a table into its partitions": f"""
        SELECT format('%%s on %%s', role, t.oid::regclass)
        FROM ({_TABLES}) t, unnest(ARRAY['tributary_app', 'tributary_ops']) AS role
        WHERE t.part AND (
            has_table_privilege(role, t.oid,
                'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
            OR has_any_column_privilege(role, t.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
    """,
    "the application never deletes, the operator only looks": f"""
        SELECT format('%%s on %%s', role, t.oid::regclass)
        FROM ({_TABLES}) t, (VALUES
            ('tributary_app', 'DELETE, TRUNCATE, REFERENCES, TRIGGER'),
            ('tributary_ops', 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        ) AS forbidden (role, privileges)
        WHERE t.oid::regclass::text LIKE 'settlement\\_%%'
          AND has_table_privilege(role, t.oid, privileges)
    """,
    "next month's lines have a partition": """
        SELECT next.name FROM (
            SELECT 'settlement_line_' || to_char(now() + interval '1 month', 'YYYYMM')
        ) AS next (name)
        WHERE NOT EXISTS (
            SELECT FROM pg_inherits WHERE inhparent = 'settlement_line'::regclass
              AND inhrelid = to_regclass(next.name))
    """,
}
