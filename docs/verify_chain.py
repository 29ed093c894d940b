"""Proves the ledger's chain of seals without the ledger's code, as docs/ledger.md describes it.

    python verify_chain.py DSN --heads DIRECTORY --public-key FILE.pem [--book UUID]

Recomputes every hash from the rows of accounts, entries, postings, links, holds and closings, and
holds the seals against the exported heads. Prints each broken place and exits with 1 if there is
one. Needs Python 3.11, psycopg 3 and cryptography; a login that may read every book (ops); memory
for the ids of one book. Heads are read first, so that none is newer than what is compared.
"""

import argparse
import hashlib
import json
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from psycopg.rows import namedtuple_row

RECORDS = {  # what a seal says of a record, after its kind and id
    "account": ("ledgeraccount", "code currency normal_side floor overdraft opened_at"),
    "closing": (
        "closing",
        "number action through closed_by approved_by reason closed_at digest",
    ),
    "entry": ("journalentry", "known_at content_hash"),
    "hold": ("hold", "placed_at content_hash"),
    "settlement": ("hold", "state settled_at reason taken posted_by"),
}
PEM_END = b"-----END PUBLIC KEY-----"
COUNT = dict.fromkeys(("books", "seals", "records", "heads", "broken"), 0)


def broken(place):
    COUNT["broken"] += 1
    print(f"BROKEN {place}")


def canonical(fields):
    """Each field as its length in characters, a colon and its text; an absent one as a dash."""
    return "".join("-" if f is None else f"{len(shown(f))}:{shown(f)}" for f in fields)


def shown(field):
    if isinstance(field, datetime):
        return field.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return field.hex() if isinstance(field, bytes) else str(field)


def sha256(*fields):
    return hashlib.sha256(canonical(fields).encode()).digest()


# --- Records ------------------------------------------------------------------------------


class Book:
    def __init__(self, rows, book):
        self.rows, self.book = rows, book
        self.codes = dict(rows("SELECT id, code FROM ledger_ledgeraccount WHERE book = %s", book))

    def digests(self, kind, ids):
        """Digest by id of the rows as they are; None where one is not what its own hash says."""
        table, names = RECORDS[kind]
        sql = f"SELECT * FROM ledger_{table} WHERE book = %s AND id = ANY(%s)"
        found = self.rows(sql, self.book, ids)
        whole = {"entry": self.entries, "hold": self.holds}.get(kind, lambda rows, ids: ids)
        good = set(whole(found, ids))
        digests = {}
        for row in found:
            digest = sha256(kind, row.id, *(getattr(row, name) for name in names.split()))
            digests[row.id] = digest if row.id in good else None
        return digests

    def entries(self, entries, ids):
        """The ids of entries whose content hash is that of their rows."""
        postings, links = defaultdict(list), defaultdict(list)
        of_entries = "WHERE book = %s AND entry_id = ANY(%s) ORDER BY entry_id"
        sql = f"SELECT * FROM ledger_posting {of_entries}, line_no"
        for posting in self.rows(sql, self.book, ids):
            postings[posting.entry_id].append(posting)
        sql = f"""SELECT *, (SELECT reference FROM ledger_journalentry e
            WHERE e.book = l.book AND e.id = l.target_id) AS target
            FROM ledger_link l {of_entries}, link_no"""
        for link in self.rows(sql, self.book, ids):
            links[link.entry_id].append(link)
        sql = "SELECT id, reference FROM ledger_hold WHERE book = %s AND id = ANY(%s)"
        holds = dict(self.rows(sql, self.book, [e.hold_id for e in entries if e.hold_id]))
        for e in entries:
            lines = [(p.line_no, p.known_at, p.booked_on) for p in postings[e.id]]
            wanted = [(n, e.known_at, e.booked_on) for n in range(1, e.posting_count + 1)]
            content = self.content(e, postings[e.id], links[e.id], holds)
            if lines == wanted and sha256(*content) == e.content_hash:
                yield e.id

    def content(self, e, postings, links, holds):
        fields = ["entry-1", e.book, e.reference, e.kind, e.event_at, e.booked_on, e.memo]
        fields.append(e.reverses)
        for p in postings:
            fields += [p.side, self.codes.get(p.account_id), p.amount, p.currency, p.subject]
        if e.hold_id in holds:
            fields += ["hold", holds[e.hold_id]]
        if e.metadata:
            fields += ["metadata", len(e.metadata)]
            fields += [part for name in sorted(e.metadata) for part in (name, e.metadata[name])]
        if links:
            fields += ["links", len(links)]
        for link in links:
            fields += [link.relation, link.target, self.codes.get(link.account_id), link.amount]
        return fields

    def holds(self, holds, ids):
        for h in holds:
            code = self.codes.get(h.account_id)
            said = (h.book, h.reference, code, h.amount, h.currency, h.subject, h.expires_at)
            if sha256("hold-1", *said) == h.content_hash:
                yield h.id

    # --- Seals ----------------------------------------------------------------------------

    def check(self, heads):
        COUNT["books"] += 1
        known, head, expected = set(), bytes(32), 1
        sql = "SELECT number FROM ledger_seal WHERE book = %s ORDER BY number"
        for (number,) in self.rows(sql, self.book):
            COUNT["seals"] += 1
            sql = "SELECT * FROM ledger_seal WHERE book = %s AND number = %s"
            [seal] = self.rows(sql, self.book, number)
            place = f"seal {number} of book {self.book}"
            if (number, seal.previous) != (expected, head):
                broken(f"{place}: does not follow seal {expected - 1} and its head")
            records = list(zip(seal.kinds, seal.ids, seal.digests, strict=True))
            self.check_records(records, known, place)
            said = ["seal-1", self.book, number, seal.sealed_at, seal.previous, len(records)]
            if sha256(*said, *(field for record in records for field in record)) != seal.head:
                broken(f"{place}: its head is not the hash of what it says")
            if any(exported != seal.head.hex() for exported in heads.pop(number, ())):
                broken(f"{place}: another head was exported")
            head, expected = seal.head, number + 1
        for number in heads:
            broken(f"seal {number} of book {self.book}: exported, and not there")
        self.check_complete(known)

    def check_records(self, records, known, place):
        for start in range(0, len(records), 1000):
            part, now = records[start : start + 1000], {}
            for kind in {kind for kind, _, _ in part} & RECORDS.keys():
                digests = self.digests(kind, [id for of, id, _ in part if of == kind])
                now |= {(kind, id): digest for id, digest in digests.items()}
            for kind, id, digest in part:
                COUNT["records"] += 1
                if now.get((kind, id)) != digest:
                    why = "changed" if (kind, id) in now else "not there"
                    broken(f"{kind} {id}: {why}; {place}")
                if (kind, id.bytes) in known:
                    broken(f"{kind} {id}: sealed again; {place}")
                known.add((kind, id.bytes))

    def check_complete(self, known):
        """Every row is sealed or waits, and every posting has an entry."""
        sql = "SELECT kind, unnest(ids) FROM ledger_arrival WHERE book = %s"
        for kind, id in self.rows(sql, self.book):
            if (kind, id.bytes) in known:
                broken(f"{kind} {id} of book {self.book}: waits to be sealed once more")
            known.add((kind, id.bytes))
        for kind, (table, _) in RECORDS.items():
            only = "AND state NOT IN ('held', 'posted')" if kind == "settlement" else ""
            sql = f"SELECT id FROM ledger_{table} WHERE book = %s {only}"
            for (id,) in self.rows(sql, self.book):
                if (kind, id.bytes) not in known:
                    broken(f"{kind} {id} of book {self.book}: neither sealed nor waiting")
        sql = """SELECT entry_id, line_no FROM ledger_posting p WHERE book = %s AND NOT EXISTS (
            SELECT FROM ledger_journalentry e WHERE e.book = p.book AND e.id = p.entry_id)"""
        for entry, line in self.rows(sql, self.book):
            broken(f"posting {entry}/{line} of book {self.book}: has no entry")


def read_heads(folder, keys, only):
    """Exported heads by book and number; each must be signed by one of the keys."""
    heads = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.rglob("*.jsonl")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            COUNT["heads"] += 1
            try:
                head = json.loads(line)
                said = [head[name] for name in ("book", "number", "sealed_at", "head")]
                signature, text = bytes.fromhex(head["signature"]), canonical(["head-1", *said])
                if not any(signed(key, signature, text.encode()) for key in keys):
                    broken(f"{path}, line {number}: not signed by the key")
                elif only in (None, said[0]):
                    heads[said[0]][said[1]].append(said[3])
            except (ValueError, KeyError, TypeError):
                broken(f"{path}, line {number}: no head")
    return heads


def signed(key, signature, text):
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dsn")
    parser.add_argument("--heads", type=Path, required=True)
    parser.add_argument("--public-key", type=Path, required=True)
    parser.add_argument("--book")
    given = parser.parse_args()
    blocks = given.public_key.read_bytes().split(PEM_END)[:-1]
    keys = [load_pem_public_key(block + PEM_END) for block in blocks]
    heads = read_heads(given.heads, keys, given.book)
    with psycopg.connect(given.dsn, row_factory=namedtuple_row) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

        def rows(sql, *parameters):
            return connection.execute(sql, parameters).fetchall()

        tables = ("ledger_ledgeraccount", "ledger_journalentry", "ledger_seal")
        books = {str(b) for t in tables for (b,) in rows(f"SELECT DISTINCT book FROM {t}")}
        for book in [given.book] if given.book else sorted(books | heads.keys()):
            Book(rows, book).check(heads[book])
    print(", ".join(f"{count} {name}" for name, count in COUNT.items()))
    return 1 if COUNT["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
