"""The rows of money in among themselves."""

from __future__ import annotations

from settlement.checks.parts import of
from settlement.money_in.staging import says

_LOADED = (
    "coalesce(d.state = 'loaded' OR d.state IN ('stored', 'reading') AND d.readings > 0, false)"
)
"""A document is read again while its rows stay (see withdrawing.py)."""


def _rows_of(table: str, what: str) -> str:
    return f"""
        SELECT format('{what} %%s of document %%s', r.id, r.document_id) FROM {table} r
        LEFT JOIN settlement_sourcedocument d
          ON d.id = r.document_id AND d.merchant_id = r.merchant_id
        WHERE r.live AND NOT {_LOADED} AND {of("r.merchant_id")}
    """


ROWS = {
    "every confirmed match is equal on both sides": f"""
        SELECT format('match %%s', m.id) FROM settlement_match m
        LEFT JOIN settlement_matchitem i ON i.match_id = m.id AND i.live
        WHERE m.state = 'confirmed' AND {of("m.merchant_id")}
        GROUP BY m.id
        HAVING count(i.payout_id) + count(i.withdrawal_id) = 0 OR count(i.bank_line_id) = 0
            OR count(DISTINCT i.amount_currency) > 1
            OR sum(CASE WHEN i.bank_line_id IS NULL THEN i.amount ELSE -i.amount END) <> 0
    """,
    "a match's items are live while it is confirmed": f"""
        SELECT format('item %%s of match %%s', i.id, i.match_id) FROM settlement_matchitem i
        LEFT JOIN settlement_match m ON m.id = i.match_id AND m.merchant_id = i.merchant_id
        WHERE i.live IS DISTINCT FROM (m.state = 'confirmed') AND {of("i.merchant_id")}
    """,
    "an item claims no more than its side has": f"""
        SELECT format('item %%s', i.id) FROM settlement_matchitem i
        LEFT JOIN settlement_payout p ON p.id = i.payout_id AND p.merchant_id = i.merchant_id
        LEFT JOIN settlement_bankline b ON b.id = i.bank_line_id AND b.merchant_id = i.merchant_id
        LEFT JOIN settlement_withdrawal w
          ON w.id = i.withdrawal_id AND w.merchant_id = i.merchant_id
        WHERE {of("i.merchant_id")} AND NOT coalesce(
            num_nonnulls(i.payout_id, i.bank_line_id, i.withdrawal_id) = 1
            AND i.amount_currency
                = coalesce(p.amount_currency, b.amount_currency, w.amount_currency)
            AND abs(i.amount) <= abs(coalesce(p.amount, b.amount, w.amount))
            AND sign(i.amount) = sign(coalesce(p.amount, b.amount, i.amount))
            AND (w.id IS NULL OR abs(i.amount) = w.amount), false)
    """,
    "a payout is reconciled exactly while one live item claims it": f"""
        SELECT format('payout %%s: %%s, %%s live items', p.id, p.state, count(i.id))
        FROM settlement_payout p
        LEFT JOIN settlement_matchitem i ON i.payout_id = p.id AND i.live
        WHERE p.live AND {of("p.merchant_id")}
        GROUP BY p.id HAVING count(i.id) <> (p.state = 'reconciled')::int
    """,
    "no bank line is claimed twice": f"""
        SELECT format('bank line %%s', i.bank_line_id) FROM settlement_matchitem i
        WHERE i.live AND i.bank_line_id IS NOT NULL AND {of("i.merchant_id")}
        GROUP BY i.bank_line_id HAVING count(*) > 1
    """,
    "a match that lost a side is about to be revoked": f"""
        SELECT format('match %%s', i.match_id) FROM settlement_matchitem i
        JOIN settlement_match m ON m.id = i.match_id
        LEFT JOIN settlement_payout p ON p.id = i.payout_id
        LEFT JOIN settlement_bankline b ON b.id = i.bank_line_id
        WHERE i.live AND i.withdrawal_id IS NULL AND NOT coalesce(p.live, b.live, false)
          AND {of("i.merchant_id")}
          AND NOT EXISTS (
            SELECT FROM settlement_reconrun r
            WHERE r.settlement_account_id = m.settlement_account_id
              AND r.state IN ('queued', 'running'))
    """,
    "a payout has one live version": f"""
        SELECT format('payout %%s of store %%s', p.external_id, p.store_id)
        FROM settlement_payout p WHERE p.live AND {of("p.merchant_id")}
        GROUP BY p.merchant_id, p.store_id, p.external_id HAVING count(*) > 1
    """,
    "a document is stored once": f"""
        SELECT format('document %%s', d.sha256) FROM settlement_sourcedocument d
        WHERE d.state <> 'withdrawn' AND {of("d.merchant_id")}
        GROUP BY d.merchant_id, d.sha256 HAVING count(*) > 1
    """,
    "every live row's document is loaded": " UNION ALL ".join(
        (
            # Half a million lines of a document share it, so each document is looked at once.
            f"""
            SELECT format('lines of document %%s', r.document_id) FROM (
                SELECT DISTINCT merchant_id, document_id, store_id, known_at
                FROM settlement_line l WHERE l.live AND {of("l.merchant_id")}
            ) r
            LEFT JOIN settlement_sourcedocument d
              ON d.id = r.document_id AND d.merchant_id = r.merchant_id
                AND d.store_id = r.store_id AND d.known_at = r.known_at
            WHERE NOT {_LOADED}
            """,
            _rows_of("settlement_payout", "payout"),
            _rows_of("settlement_walletstatement", "wallet statement"),
            _rows_of("settlement_bankstatement", "bank statement"),
            _rows_of("settlement_bankline", "bank line"),
        )
    ),
    "every live line is known, and says what it said": f"""
        SELECT format('line %%s of document %%s', coalesce(l.external_id, k.external_id),
            coalesce(l.document_id, k.document_id))
        FROM (SELECT * FROM settlement_line l WHERE l.live AND {of("l.merchant_id")}) l
        FULL JOIN (
            SELECT * FROM settlement_linekey k
            WHERE k.fingerprint IS NOT NULL AND {of("k.merchant_id")}
        ) k ON k.merchant_id = l.merchant_id AND k.document_id = l.document_id
            AND k.line_id = l.id AND k.known_at = l.known_at
        WHERE NOT coalesce(k.store_id = l.store_id AND k.external_id = l.external_id
            AND k.version >= l.version AND k.fingerprint = {says("l")}, false)
    """,
}
