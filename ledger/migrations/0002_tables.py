"""Accounts, entries, postings and guarded balances.

Every key leads with the book, so that the tables can be distributed by it. Codes and references
compare byte by byte (COLLATE "C"): a new release of the system's collations never moves them.
"""

from django.db import migrations

ACCOUNTS = """
CREATE TABLE ledger_ledgeraccount (
    id uuid NOT NULL,
    book uuid NOT NULL,
    code text COLLATE "C" NOT NULL,
    currency char(3) NOT NULL,
    normal_side char(1) NOT NULL,
    floor bigint,
    opened_at timestamptz NOT NULL,
    CONSTRAINT ledger_account_key PRIMARY KEY (book, id),
    CONSTRAINT one_account_per_code UNIQUE (book, code),
    CONSTRAINT account_code_is_not_empty CHECK (length(code) BETWEEN 1 AND 200),
    CONSTRAINT account_currency_is_a_code CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT account_is_normally_debit_or_credit CHECK (normal_side IN ('D', 'C')),
    -- A new account holds nothing, so nothing is the highest floor it can keep.
    CONSTRAINT account_floor_is_not_above_zero CHECK (floor <= 0)
);
"""

ENTRIES = """
CREATE TABLE ledger_journalentry (
    id uuid NOT NULL,
    book uuid NOT NULL,
    reverses uuid,
    event_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    booked_on date NOT NULL,
    posting_count smallint NOT NULL,
    content_hash bytea NOT NULL,
    reference text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    memo text NOT NULL,
    CONSTRAINT journal_entry_key PRIMARY KEY (book, id),
    CONSTRAINT one_entry_per_reference UNIQUE (book, reference),
    CONSTRAINT reversal_has_its_original FOREIGN KEY (book, reverses)
        REFERENCES ledger_journalentry (book, id),
    CONSTRAINT entry_does_not_reverse_itself CHECK (reverses <> id),
    CONSTRAINT entry_has_at_least_two_postings CHECK (posting_count >= 2),
    CONSTRAINT entry_content_hash_is_sha256 CHECK (octet_length(content_hash) = 32),
    -- The ledger itself adds ":reversed" to a reference of at most 200.
    CONSTRAINT entry_reference_is_not_empty CHECK (length(reference) BETWEEN 1 AND 300),
    CONSTRAINT entry_kind_is_not_empty CHECK (length(kind) BETWEEN 1 AND 100),
    CONSTRAINT entry_memo_is_not_endless CHECK (length(memo) <= 2000)
);
CREATE UNIQUE INDEX one_reversal_per_entry ON ledger_journalentry (book, reverses)
    WHERE reverses IS NOT NULL;
"""

# No foreign keys: checked row by row they cost more than everything else together. The trigger
# in 0003 checks whole statements, and no account or entry it found can vanish afterwards.
POSTINGS = """
CREATE TABLE ledger_posting (
    book uuid NOT NULL,
    entry_id uuid NOT NULL,
    account_id uuid NOT NULL,
    subject uuid,
    amount bigint NOT NULL,
    known_at timestamptz NOT NULL,
    booked_on date NOT NULL,
    line_no smallint NOT NULL,
    currency char(3) NOT NULL,
    side char(1) NOT NULL,
    CONSTRAINT one_posting_per_line PRIMARY KEY (book, entry_id, line_no, known_at),
    CONSTRAINT posting_line_numbers_begin_at_one CHECK (line_no >= 1),
    CONSTRAINT posting_is_debit_or_credit CHECK (side IN ('D', 'C')),
    CONSTRAINT posting_amount_is_positive CHECK (amount > 0),
    CONSTRAINT posting_amount_is_below_a_quadrillion CHECK (amount < 1000000000000000)
) PARTITION BY RANGE (known_at);
CREATE INDEX ledger_posting_by_account ON ledger_posting (book, account_id, known_at)
    INCLUDE (side, amount);
CREATE INDEX ledger_posting_by_subject ON ledger_posting (book, subject)
    WHERE subject IS NOT NULL;
"""

# Only for accounts with a floor. The copies of normal_side and floor let one CHECK hold the floor.
BALANCES = """
CREATE TABLE ledger_balance (
    account_id uuid NOT NULL,
    book uuid NOT NULL,
    debits bigint NOT NULL DEFAULT 0,
    credits bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    floor bigint NOT NULL,
    normal_side char(1) NOT NULL,
    CONSTRAINT ledger_balance_key PRIMARY KEY (book, account_id),
    CONSTRAINT balance_has_its_account FOREIGN KEY (book, account_id)
        REFERENCES ledger_ledgeraccount (book, id),
    CONSTRAINT held_is_not_negative CHECK (held >= 0),
    CONSTRAINT available_is_never_below_its_floor CHECK (
        CASE normal_side WHEN 'D' THEN debits - credits ELSE credits - debits END - held >= floor
    )
) WITH (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_roles")]

    operations = [migrations.RunSQL(sql) for sql in (ACCOUNTS, ENTRIES, POSTINGS, BALANCES)]
