"""The books against the business: every balance computed a second time from the rows."""

from __future__ import annotations

from settlement.checks.parts import of

# --- the books against the business -------------------------------------------------------
#
# Amounts are signed, debits positive, in major units as the rows have them. What a match claims
# counts by its live items, not by the payout's state: a payout that was restated stays matched
# until the next reconciliation, and so do the books.

_WALLETS = f"""
    (SELECT DISTINCT ON (w.store_id, w.cash_account, w.opening_currency) w.merchant_id, w.store_id,
        s.settlement_account_id, w.opening AS amount, w.opening_currency AS currency
    FROM settlement_walletstatement w JOIN accounts_store s ON s.id = w.store_id
    WHERE w.live AND {of("w.merchant_id")}
    ORDER BY w.store_id, w.cash_account, w.opening_currency, w.first_at, w.id)
"""
_MOVED = f"""
    (SELECT l.merchant_id, l.store_id, s.settlement_account_id, l.kind = 'unknown' AS unknown,
        sum(l.amount) AS amount, l.amount_currency AS currency
    FROM settlement_line l JOIN accounts_store s ON s.id = l.store_id
    WHERE l.live AND l.books AND l.kind NOT IN ('payout', 'payout_returned')
        AND {of("l.merchant_id")}
    GROUP BY 1, 2, 3, 4, 6)
"""
_ANNOUNCED = f"""
    (SELECT p.merchant_id, p.store_id, p.id, p.amount, p.amount_currency AS currency
    FROM settlement_payout p WHERE p.live AND p.state <> 'returned' AND {of("p.merchant_id")})
"""
_PAID = f"""
    (SELECT i.merchant_id, p.store_id, p.id, m.settlement_account_id, i.amount,
        i.amount_currency AS currency
    FROM settlement_matchitem i JOIN settlement_payout p ON p.id = i.payout_id
    JOIN settlement_match m ON m.id = i.match_id
    WHERE i.live AND {of("i.merchant_id")})
"""
_HELD = f"""
    (SELECT DISTINCT ON (t.bank_account_id) t.merchant_id, t.bank_account_id, t.opening AS amount,
        t.opening_currency AS currency
    FROM settlement_bankstatement t
    WHERE t.live AND t.books AND t.opening IS NOT NULL AND {of("t.merchant_id")}
    ORDER BY t.bank_account_id, t.period_from, t.id)
"""
_BOOKED = f"""
    (SELECT b.merchant_id, b.bank_account_id, b.id, b.amount, b.amount_currency AS currency
    FROM settlement_bankline b WHERE b.live AND b.books AND {of("b.merchant_id")})
"""
_CLAIMED = f"""
    (SELECT i.merchant_id, b.bank_account_id, b.id, i.amount, i.amount_currency AS currency
    FROM settlement_matchitem i JOIN settlement_bankline b ON b.id = i.bank_line_id
    WHERE i.live AND {of("i.merchant_id")})
"""
# A withdrawal's items say which way: negative was paid, positive came back.
_TAKEN = f"""
    (SELECT i.merchant_id, w.settlement_account_id, sign(i.amount) * w.fee AS fee,
        sign(i.amount) * (w.amount + w.fee - w.waived) AS amount,
        sign(i.amount) * w.waived AS waived,
        w.amount_currency AS currency, g.code AS program
    FROM settlement_matchitem i JOIN settlement_withdrawal w ON w.id = i.withdrawal_id
    JOIN settlement_feequote q ON q.id = w.quote_id
    LEFT JOIN settlement_waiverrule r ON r.id = q.rule_id
    LEFT JOIN settlement_waiverprogram g ON g.id = r.program_id
    WHERE i.live AND {of("i.merchant_id")})
"""
_FEES = f"(SELECT t.merchant_id, t.currency, t.fee AS amount FROM {_TAKEN} t)"
_WAIVED = f"""
    (SELECT t.merchant_id, t.program, t.currency, t.waived AS amount FROM {_TAKEN} t
    WHERE t.waived <> 0)
"""

_ID, _CODE = "[0-9a-f-]{36}", "[A-Z]{3}"
RECEIVABLE = f"^store:{_ID}:receivable:{_CODE}$"
IN_TRANSIT = f"^store:{_ID}:in_transit:{_CODE}$"
BANK = f"^bank:{_ID}:{_CODE}$"
UNRELATED = f"^bank:{_ID}:unrelated:{_CODE}$"
PENDING = f"^merchant:{_ID}:pending:{_CODE}$"
AVAILABLE = f"^merchant:{_ID}:available:{_CODE}$"
OPENING = f"^opening:{_ID}:{_CODE}$"
SUSPENSE = f"^suspense:{_ID}:{_CODE}$"
FEES = f"^fee:income:{_CODE}$"
WAIVERS = f"^waiver:[a-z0-9_-]+:{_CODE}$"
FAMILIES = (RECEIVABLE, IN_TRANSIT, BANK, UNRELATED, PENDING, AVAILABLE, OPENING, SUSPENSE, FEES,
            WAIVERS)  # fmt: skip


def _posted(family: str, subject: str = "NULL::uuid") -> str:
    """The ledger's postings on a family of accounts, in minor units."""
    return f"""
        SELECT p.book, a.code, {subject} AS subject,
            (CASE p.side WHEN 'D' THEN p.amount ELSE -p.amount END)::numeric AS amount
        FROM ledger_posting p
        JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
        JOIN accounts_merchant owner ON owner.id = p.book
        WHERE a.code ~ '{family}' AND {of("p.book")}
    """


def _part(code: str, rows: str, *, sign: str = "", subject: str = "NULL::uuid") -> str:
    """What rows say should be on the account of this code, whose %s are id and currency."""
    text, place = code.replace("%s", "%%s"), f"r.{_PLACE[code.split(':')[0]]}"
    return f"""
        SELECT r.merchant_id, format('{text}', {place}, r.currency), {subject}, {sign}r.amount,
            r.currency
        FROM {rows} r
    """


_PLACE = {
    "store": "store_id",
    "bank": "bank_account_id",
    "opening": "bank_account_id",
    "merchant": "settlement_account_id",
    "suspense": "settlement_account_id",
    "fee": "currency",
    "waiver": "program",
}


def _balance(family: str, *parts: str, by_subject: bool = False) -> str:
    """Where the postings of a family are not what the parts add up to."""
    posted = _posted(family, "p.subject" if by_subject else "NULL::uuid")
    return f"""
        SELECT format('%%s%%s: books - rows = %%s minor units', code, ' of ' || subject,
            trim_scale(sum(amount)))
        FROM (
            {posted}
            UNION ALL
            SELECT part.book, part.code, part.subject, -part.amount * unit.per
            FROM ({" UNION ALL ".join(parts)}) AS part (book, code, subject, amount, currency)
            JOIN unnest(%(codes)s::text[], %(units)s::int[]) AS unit (currency, per)
                USING (currency)
        ) AS both_sides
        GROUP BY book, code, subject HAVING sum(amount) <> 0
    """


_KNOWN = f"(SELECT * FROM {_MOVED} AS moved WHERE NOT unknown)"
_UNKNOWN = f"(SELECT * FROM {_MOVED} AS moved WHERE unknown)"

BALANCES = {
    "what stores are owed is their opening and lines without their payouts": _balance(
        RECEIVABLE,
        _part("store:%s:receivable:%s", _WALLETS),
        _part("store:%s:receivable:%s", _MOVED),
        _part("store:%s:receivable:%s", _ANNOUNCED, sign="-"),
    ),
    "in transit is what each payout announced, and nothing once it is matched": _balance(
        IN_TRANSIT,
        _part("store:%s:in_transit:%s", _ANNOUNCED, subject="r.id"),
        _part("store:%s:in_transit:%s", _PAID, sign="-", subject="r.id"),
        by_subject=True,
    ),
    "the bank holds its opening and its booked lines": _balance(
        BANK, _part("bank:%s:%s", _HELD), _part("bank:%s:%s", _BOOKED)
    ),
    "unrelated at the bank is each line that no match claims": _balance(
        UNRELATED,
        _part("bank:%s:unrelated:%s", _BOOKED, sign="-", subject="r.id"),
        _part("bank:%s:unrelated:%s", _CLAIMED, subject="r.id"),
        by_subject=True,
    ),
    "the merchant's pending money is what is not matched yet": _balance(
        PENDING,
        _part("merchant:%s:pending:%s", _WALLETS, sign="-"),
        _part("merchant:%s:pending:%s", _KNOWN, sign="-"),
        _part("merchant:%s:pending:%s", _PAID),
    ),
    "the merchant's available money is what is matched and was not paid out": _balance(
        AVAILABLE,
        _part("merchant:%s:available:%s", _PAID, sign="-"),
        _part("merchant:%s:available:%s", _TAKEN, sign="-"),
    ),
    "fees are those of the withdrawals that were paid, gross": _balance(
        FEES, _part("fee:income:%s", _FEES)
    ),
    "what a programme has forgiven is what its withdrawals were waived": _balance(
        WAIVERS, _part("waiver:%s:%s", _WAIVED, sign="-")
    ),
    "the bank's opening is the earliest statement's": _balance(
        OPENING, _part("opening:%s:%s", _HELD, sign="-")
    ),
    "in suspense are the lines nobody understands": _balance(
        SUSPENSE, _part("suspense:%s:%s", _UNKNOWN, sign="-")
    ),
    "nothing is booked anywhere else": f"""
        SELECT a.code FROM ledger_ledgeraccount a
        JOIN accounts_merchant owner ON owner.id = a.book
        WHERE {of("a.book")} AND NOT a.code ~ '{"|".join(FAMILIES)}'
    """,
    # Statements that leave a gap, do not balance, or end on one day with several balances say
    # nothing about the sum; the rest must end where the books are.
    "the books equal the latest statement where statements are continuous": f"""
        WITH followed AS (
            SELECT t.*, max(t.period_to) OVER (
                PARTITION BY t.bank_account_id ORDER BY t.period_from, t.period_to, t.id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
            FROM settlement_bankstatement t WHERE t.live AND t.books AND {of("t.merchant_id")}
        ), latest AS (
            SELECT t.merchant_id, t.bank_account_id, t.closing_currency AS currency,
                min(t.closing) AS closing
            FROM followed t
            WHERE t.period_to = (SELECT max(period_to) FROM followed o
                                 WHERE o.bank_account_id = t.bank_account_id)
              AND NOT EXISTS (
                SELECT FROM followed o WHERE o.bank_account_id = t.bank_account_id AND (
                    o.opening IS NULL OR o.closing IS NULL OR NOT o.balanced
                    OR o.reached < o.period_from AND NOT EXISTS (
                        SELECT FROM followed b WHERE b.bank_account_id = o.bank_account_id
                          AND b.period_to = o.reached AND b.closing = o.opening)))
            GROUP BY 1, 2, 3 HAVING count(DISTINCT t.closing) = 1
        )
        SELECT format('bank account %%s: books %%s, statement %%s minor units',
            l.bank_account_id, coalesce(sum(p.amount), 0), trim_scale(l.closing * unit.per))
        FROM latest l
        JOIN unnest(%(codes)s::text[], %(units)s::int[]) AS unit (currency, per) USING (currency)
        LEFT JOIN ({_posted(BANK)}) p
          ON p.book = l.merchant_id AND p.code = format('bank:%%s:%%s', l.bank_account_id, currency)
        GROUP BY l.bank_account_id, l.closing, unit.per
        HAVING coalesce(sum(p.amount), 0) <> l.closing * unit.per
    """,
}
