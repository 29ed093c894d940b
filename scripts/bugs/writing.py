"""Bugs in what the ledger writes."""

from bugs.plant import Bug, Change, beginning_with, code

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
    Bug(
        "the content hash leaves out what metadata says",
        (
            Change(
                "ledger/drafts.py", "fields += [name, draft.metadata[name]]", "fields += [name]"
            ),
            Change("ledger/drafts.py", '"m.key", "m.value")', '"m.key")'),
        ),
    ),
    Bug(
        "the content hash leaves out how much a link claims",
        (
            Change("ledger/drafts.py", "link.reference, link.account, amount]", "link.account]"),
            Change("ledger/drafts.py", '"t.reference", "c.code", "l.amount::text"', '"c.code"'),
        ),
    ),
    code(
        "an entry alone forgets what the money is about",
        "single",
        "movement.subject.hex.encode() if movement.subject else None",
        "None",
    ),
    code(
        "an entry alone forgets its metadata",
        "single",
        "json.dumps(dict(draft.metadata)).encode() if draft.metadata else None",
        "None",
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
        "if state != HoldState.RELEASED:",
        "if state == HoldState.EXPIRED:",
    ),
    code(
        "a hold posted again does not look at the draft",
        "holds",
        "if earlier.content_hash != content_hash(book=book, draft=draft, hold=named_by):",
        "if not earlier.content_hash:",
    ),
    code(
        "a hold posted as a whole may leave a rest",
        "holds",
        "if taken == hold.left or (part and 0 < taken < hold.left):",
        "if 0 < taken <= hold.left:",
    ),
]

PIECES = [
    code(
        "a large batch keeps the pieces before one that was refused",
        "writing",
        "return all(cursor.fetchall() == [(None,)] for cursor in sent)",
        "return [cursor.fetchall() for cursor in sent] != []",
    ),
    code(
        "a large batch locks guarded balances between its references",
        "book",
        "return specs.keys() == codes and all(spec.floor is None for spec in specs.values())",
        "return specs.keys() == codes",
    ),
    code(
        "a large batch waits for references in the order they came in",
        "book",
        'ordered = sorted(drafts, key=attrgetter("reference"))',
        "ordered = drafts",
    ),
    code(
        "a large batch forgets that a reference is in it twice",
        "book",
        "if len({draft.reference for draft in drafts}) < len(drafts):",
        "if not drafts:",
    ),
]

CODE = (
    *beginning_with("test_pieces", *PIECES),
    *beginning_with("test_posting", *WRITING),
    *beginning_with("test_holds", *HOLDS),
)
