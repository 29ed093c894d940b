"""Bugs in what the ledger does in Python."""

from bugs.plant import Bug, Change, code

READING = [
    code(
        "a balance ignores the side its account is normally on",
        "balances",
        "return net if self.normal_side is Side.DEBIT else -net",
        "return net",
    ),
    code(
        "a balance leaves out what was learnt at the very instant",
        "balances",
        "AND p.known_at <= coalesce(",
        "AND p.known_at < coalesce(",
    ),
    code(
        "a statement's pages leave a line out where they meet",
        "balances",
        "(known_at, entry_id, line_no) < (%s, %s, %s)",
        "(known_at, entry_id, line_no) < (%s, %s, %s - 1)",
    ),
    code(
        "a statement orders an entry's lines backwards",
        "balances",
        "ORDER BY p.known_at DESC, p.entry_id DESC, p.line_no DESC",
        "ORDER BY p.known_at DESC, p.entry_id DESC, p.line_no",
    ),
    code(
        "a statement's balances do not count an entry's earlier lines",
        "balances",
        "OVER (ORDER BY known_at, entry_id, line_no)",
        "OVER (ORDER BY known_at, entry_id, line_no DESC)",
    ),
    code(
        "sums by subject count every account",
        "balances",
        "AND a.id = p.account_id AND a.code ^@ %s)",
        "AND a.id = p.account_id AND (a.code ^@ %s OR true))",
    ),
    code(
        "a book that is not open reads as an empty one",
        "reading",
        "if not rows or rows[0][0] != book:",
        "if not rows:",
    ),
    code(
        "the proof takes a balanced book for granted",
        "checks",
        "GROUP BY p.book, p.entry_id, p.currency HAVING {_NET} <> 0",
        "GROUP BY p.book, p.entry_id, p.currency HAVING {_NET} > 0",
    ),
]

WRITING = [
    code(
        "a reference posted again is not compared",
        "book",
        "if reference in earlier and earlier[reference][1] != entry.hash:",
        "if reference in earlier and not earlier[reference][1]:",
    ),
    code(
        "a reference twice in one batch is not compared",
        "book",
        "if first.setdefault(entry.draft.reference, entry).hash != entry.hash:",
        "if not first.setdefault(entry.draft.reference, entry).hash:",
    ),
    code(
        "a reversal does not exchange the sides",
        "book",
        "Movement(Side(side).other, code, amount, currency, subject)",
        "Movement(Side(side), code, amount, currency, subject)",
    ),
    code(
        "a reversal forgets what the money is about",
        "book",
        "Movement(Side(side).other, code, amount, currency, subject)",
        "Movement(Side(side).other, code, amount, currency)",
    ),
    code(
        "amounts of a batch lose the credit side's sign",
        "writing",
        "movement.amount if movement.side is debit else -movement.amount",
        "movement.amount",
    ),
    Bug(
        "the content hash leaves out the memo",
        (
            Change("ledger/drafts.py", "{len(draft.memo)}:{draft.memo}", "0:"),
            Change("ledger/drafts.py", '    "e.memo",\n', "    \"''\",\n"),
        ),
    ),
    code(
        "an account opened otherwise passes for the one asked for",
        "book",
        "            if found != wanted[code]:",
        "            if found.currency != wanted[code].currency:",
    ),
    code(
        "true is an amount",
        "drafts",
        "if type(value) is not int or not",
        "if not isinstance(value, int) or not",
    ),
]

HOLDS = [
    code(
        "a hold's reference placed again is not compared",
        "holds",
        "if earlier.content_hash != content:",
        "if not earlier.content_hash:",
    ),
    code(
        "a posted hold can be released in silence",
        "holds",
        "if _read(book, reference).state is HoldState.POSTED:",
        "if _read(book, reference).state is HoldState.HELD:",
    ),
    code(
        "a hold posted again does not look at the draft",
        "holds",
        "if hold.entry_hash != content_hash(book=book, draft=draft):",
        "if not hold.entry_hash:",
    ),
]

CODE = (*READING, *WRITING, *HOLDS)
