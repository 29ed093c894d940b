"""The rows of money out among themselves, and against the ledger's holds."""

from __future__ import annotations

from settlement.checks.parts import of

_OPEN = "('reserved', 'submitted', 'accepted', 'outcome_unknown')"

MONEY_OUT = {
    "a withdrawal holds its money exactly while the bank has not shown it": f"""
        SELECT format('withdrawal %%s: %%s, hold %%s of %%s', coalesce(w.number, h.reference),
            w.state, h.state, h.amount)
        FROM (SELECT * FROM settlement_withdrawal w WHERE {of("w.merchant_id")}) w
        JOIN unnest(%(codes)s::text[], %(units)s::int[]) AS unit (currency, per)
          ON unit.currency = w.amount_currency
        FULL JOIN (
            SELECT * FROM ledger_hold h
            WHERE h.reference LIKE 'withdrawal:%%' AND {of("h.book")}
        ) h ON h.book = w.merchant_id AND h.reference = 'withdrawal:' || w.id
        WHERE NOT coalesce(
            h.amount = (w.amount + w.fee - w.waived) * unit.per AND h.subject = w.id
            AND h.state = CASE
                WHEN w.state IN {_OPEN} THEN 'held'
                WHEN w.state IN ('succeeded', 'returned') THEN 'posted'
                ELSE 'released' END, false)
    """,
    "a withdrawal is paid exactly when a match proves it, and returned likewise": f"""
        SELECT format('withdrawal %%s: %%s', w.number, w.state) FROM settlement_withdrawal w
        LEFT JOIN settlement_matchitem i ON i.withdrawal_id = w.id AND i.live
        WHERE {of("w.merchant_id")}
        GROUP BY w.id
        HAVING count(*) FILTER (WHERE i.amount < 0)
                <> (w.state IN ('succeeded', 'returned'))::int
            OR count(*) FILTER (WHERE i.amount > 0) <> (w.state = 'returned')::int
    """,
    "a withdrawal is what was quoted": f"""
        SELECT format('withdrawal %%s', w.number) FROM settlement_withdrawal w
        LEFT JOIN settlement_feequote q ON q.id = w.quote_id AND q.merchant_id = w.merchant_id
        WHERE {of("w.merchant_id")} AND NOT coalesce(
            (q.amount, q.amount_currency, q.fee, q.waived)
                = (w.amount, w.amount_currency, w.fee, w.waived)
            AND q.bank_account_id = w.bank_account_id, false)
    """,
    "a free withdrawal of the month is given once, within its quota": f"""
        SELECT format('rule %%s, %%s, number %%s', u.rule_id, u.period, u.ordinal)
        FROM settlement_quotause u JOIN settlement_waiverrule r ON r.id = u.rule_id
        WHERE u.live AND {of("u.merchant_id")}
        GROUP BY u.merchant_id, u.rule_id, u.period, u.ordinal, r.quota
        HAVING count(*) > 1 OR u.ordinal > r.quota OR u.ordinal < 1
    """,
    "a quota is used exactly by the withdrawals it waives": f"""
        SELECT format('withdrawal %%s: %%s, quota %%s', w.number, w.state, u.state)
        FROM settlement_withdrawal w
        JOIN settlement_feequote q ON q.id = w.quote_id
        LEFT JOIN settlement_waiverrule r ON r.id = q.rule_id
        LEFT JOIN settlement_quotause u ON u.withdrawal_id = w.id
        WHERE {of("w.merchant_id")} AND CASE
            WHEN r.quota IS NULL THEN u.id IS NOT NULL
            ELSE NOT coalesce(u.rule_id = r.id AND u.state = CASE
                WHEN w.state IN {_OPEN} THEN 'reserved'
                WHEN w.state = 'succeeded' THEN 'confirmed'
                WHEN w.state = 'returned' THEN 'restored'
                ELSE 'released' END, false) END
    """,
    "a withdrawal has one live payment attempt at most, and one if it was paid": f"""
        SELECT format('withdrawal %%s: %%s, %%s live attempts', w.number, w.state, count(a.id))
        FROM settlement_withdrawal w
        LEFT JOIN settlement_paymentattempt a ON a.withdrawal_id = w.id AND a.live
        WHERE {of("w.merchant_id")}
        GROUP BY w.id
        HAVING count(a.id) > 1
            OR count(a.id) = 0 AND w.state IN
                ('accepted', 'outcome_unknown', 'succeeded', 'returned')
    """,
}
