"""What the clients of the killed ledger do, and the facts that must stand afterwards.

The deeds of a client follow from a seed and its number alone, and none can be refused: whoever
knows how many of them were acknowledged knows every row there must be.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from ledger import holds
from ledger.book import (
    AccountSpec,
    Draft,
    Link,
    Movement,
    Side,
    credit,
    debit,
    post,
    post_many,
    reverse,
)
from ledger.reading import open_book
from ledger.seals import seal
from tests.ledger.build import NOW, TODAY, a_book

MONEY = 10**12
"""What every guarded account begins with: more than all clients can spend."""
PLAIN = ("plain:1", "plain:2")
WALLETS = ("wallet:1", "wallet:2", "wallet:3")
"""Guarded accounts, shared by all clients."""
OPENING = "opening"
VERBS = (*["post"] * 3, *["post_many"] * 3, *["settle"] * 3, *["place"] * 2, "reverse", "seal")


@dataclass(frozen=True, slots=True)
class Deed:
    """One call of the ledger: the entries it posts, or the hold or entry it is about."""

    verb: str
    drafts: tuple[Draft, ...] = ()
    about: str = ""
    account: str = ""
    amount: int = 0
    """Of the hold."""
    taken: int = 0
    """Of the hold, when the deed is done."""

    @property
    def answers(self) -> list[str]:
        """The references of what the call returns the ids of, in their order."""
        return [self.about] if self.verb == "place" else [draft.reference for draft in self.drafts]


def a_book_of_plenty() -> UUID:
    """A book in which no deed can be refused for want of money."""
    specs = [AccountSpec(code=code, currency="CNY", normal_side=Side.DEBIT) for code in PLAIN]
    specs += [
        AccountSpec(code=code, currency="CNY", normal_side=Side.CREDIT, floor=0) for code in WALLETS
    ]
    book = a_book(*specs)
    post(book=book, draft=_opening(), now=NOW)
    return book


def deeds(seed: str, client: int) -> Iterator[Deed]:
    """What a client does, without an end."""
    dice = random.Random(f"{seed} client {client}")
    entries: list[Draft] = []
    live: list[Deed] = []
    number = 0
    while True:
        number += 1
        name = f"{client}:{number}"
        verb = dice.choice(VERBS)
        if verb == "post":
            entries.append(_draft(dice, name))
            yield Deed("post", (entries[-1],))
        elif verb == "post_many":
            batch = [_draft(dice, f"{name}:{n}") for n in range(dice.randint(2, 30))]
            entries += batch
            # A fact all clients learn of, and post at about the same time.
            common = _common(seed, number // 4)
            yield Deed("post_many", tuple(dice.sample([*batch, common], len(batch) + 1)))
        elif verb == "place":
            live.append(
                Deed("place", (), name, account=dice.choice(WALLETS), amount=dice.randint(1, 500))
            )
            yield live[-1]
        elif verb == "settle" and live:
            deed = _settling(dice, name, live.pop(dice.randrange(len(live))))
            if deed.verb == "post_hold" and deed.taken < deed.amount:
                live.append(deed)
            yield deed
        elif verb == "reverse" and entries:
            wrong = entries.pop(dice.randrange(len(entries)))
            yield Deed("reverse", (_mirror(wrong),), wrong.reference)
        elif verb == "seal":
            yield Deed("seal", amount=dice.choice([50, 5000]))


def carry_out(book: UUID, deed: Deed, number: int) -> list[UUID]:
    """Do it, as the `number`-th of its client, and return the ids the ledger tells."""
    now = NOW + timedelta(milliseconds=number)
    if deed.verb == "post":
        return [post(book=book, draft=deed.drafts[0], now=now)]
    if deed.verb == "post_many":
        return post_many(book=book, drafts=deed.drafts, now=now)
    if deed.verb == "seal":
        seal(book=book, now=now, most=deed.amount)
        return []
    with transaction.atomic():
        open_book(book)
        return _within(book, deed, now)


def _within(book: UUID, deed: Deed, now: datetime) -> list[UUID]:
    about = deed.about
    if deed.verb == "reverse":
        return [reverse(book=book, reference=about, reason="", now=now, booked_on=TODAY)]
    if deed.verb == "post_hold":
        draft, part = deed.drafts[0], deed.taken < deed.amount
        return [holds.post(book=book, reference=about, draft=draft, now=now, part=part)]
    if deed.verb == "release":
        holds.release(book=book, reference=about, reason="", now=now)
        return []
    assert deed.verb == "place"
    hold = holds.place(
        book=book,
        reference=about,
        account=deed.account,
        amount=deed.amount,
        currency="CNY",
        subject=None,
        now=now,
    )
    return [hold]


def _settling(dice: random.Random, name: str, hold: Deed) -> Deed:
    """All that is left of a hold is posted, a part of it, or nothing more."""
    account, left = hold.account, hold.amount - hold.taken
    if dice.random() < 0.3:
        return Deed("release", (), hold.about, account, hold.amount, hold.taken)
    taken = dice.choice([left, dice.randint(1, left)])
    movements = (debit(account, taken, "CNY"), credit(dice.choice(PLAIN), taken, "CNY"))
    draft = _entry(name, movements)
    return Deed("post_hold", (draft,), hold.about, account, hold.amount, hold.taken + taken)


def _draft(dice: random.Random, reference: str) -> Draft:
    """Some money from one or two accounts to another one, guarded or not, in any order."""
    *givers, taker = dice.sample([*PLAIN, *WALLETS], dice.randint(2, 3))
    amounts = [dice.randint(1, 500) for _ in givers]
    movements = [debit(code, n, "CNY") for code, n in zip(givers, amounts, strict=True)]
    # The last giver's money is what the wallet began with.
    origin = Link(relation="origin", reference=OPENING, account=givers[-1], amount=amounts[-1])
    links = () if givers[-1] in PLAIN else (origin,)
    return _entry(reference, (*movements, credit(taker, sum(amounts), "CNY")), links)


def _common(seed: str, number: int) -> Draft:
    return _draft(random.Random(f"{seed} common {number}"), f"common:{number}")


def _opening() -> Draft:
    total = debit(PLAIN[0], MONEY * len(WALLETS), "CNY")
    return _entry(OPENING, (total, *[credit(code, MONEY, "CNY") for code in WALLETS]))


def _mirror(draft: Draft) -> Draft:
    mirrored = [
        Movement(x.side.other, x.account, x.amount, x.currency, x.subject) for x in draft.movements
    ]
    return _entry(f"{draft.reference}:reversed", tuple(mirrored))


def _entry(reference: str, movements: tuple[Movement, ...], links: tuple[Link, ...] = ()) -> Draft:
    return Draft(
        reference=reference,
        kind="deed",
        movements=movements,
        event_at=NOW,
        booked_on=TODAY,
        links=links,
    )


# --- Facts ----------------------------------------------------------------------------------


@dataclass
class Facts:
    """What a book says: entries and holds by their references, each as a line of text."""

    entries: dict[str, str] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)

    def add(self, done: Iterable[Deed]) -> None:
        """Let so many more deeds be done."""
        for deed in done:
            self.entries |= {d.reference: _line(d.movements) for d in deed.drafts}
            if deed.account:
                self.holds[deed.about] = _state(deed)

    def has(self, deed: Deed) -> bool:
        """Whether the deed is done, by the first thing it alone would have written."""
        own = [d.reference for d in deed.drafts if not d.reference.startswith("common")]
        return own[0] in self.entries if own else self.holds.get(deed.about) == _state(deed)


def _state(deed: Deed) -> str:
    """The line of a hold when the deed is done."""
    state = "posted" if deed.taken == deed.amount else "held"
    state = "released" if deed.verb == "release" else state
    return f"{deed.account} {deed.taken} of {deed.amount} {state}"


def opened() -> Facts:
    """The facts of a book of plenty when nothing has been done."""
    opening = _opening()
    return Facts({opening.reference: _line(opening.movements)})


def _line(movements: Iterable[Movement]) -> str:
    return ", ".join(f"{x.side.value} {x.account} {x.amount}" for x in movements)


ENTRIES = """
SELECT e.reference, e.id, string_agg(concat_ws(' ', p.side, a.code, p.amount), ', '
    ORDER BY p.line_no)
FROM ledger_journalentry e
LEFT JOIN ledger_posting p ON p.book = e.book AND p.entry_id = e.id
LEFT JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
WHERE e.book = %s GROUP BY e.book, e.id
"""
HOLDS = """
SELECT h.reference, h.id, format('%%s %%s of %%s %%s', a.code, h.taken, h.amount, h.state)
FROM ledger_hold h
LEFT JOIN ledger_ledgeraccount a ON a.book = h.book AND a.id = h.account_id
WHERE h.book = %s
"""
