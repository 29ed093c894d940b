"""What random stories about a book are made of: its accounts, and Hypothesis' choices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from ledger.book import AccountSpec, Movement, Side, credit, debit
from tests.ledger.build import TODAY

CURRENCIES = ("CNY", "JPY", "KWD")
SPECS = [
    AccountSpec(
        code=f"{name}:{currency}",
        currency=currency,
        normal_side=side,
        floor=floor,
        overdraft=overdraft,
    )
    for currency in CURRENCIES
    for name, side, floor, overdraft in [
        ("cash", Side.DEBIT, None, 0),
        ("owed", Side.CREDIT, None, 0),
        ("wallet", Side.CREDIT, 0, 0),
        ("card", Side.CREDIT, -5000, 2000),
        ("loan", Side.DEBIT, -(10**14), 0),
    ]
]
CODES = [spec.code for spec in SPECS]
GUARDED = [spec.code for spec in SPECS if spec.floor is not None]
SUBJECTS = [UUID(int=n) for n in range(3)]
MIDNIGHT = datetime(2026, 3, 15, tzinfo=UTC)
NOON = 43_200_000_000

amounts = st.integers(1, 2000) | st.integers(1, 10**13)
ticks = st.sampled_from([0, 0, 1, 3600, 86_400, -50_000])
"""Seconds that pass before a step; whoever began long ago writes with an instant that is past."""
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9)
edges = st.sampled_from([None, -1, 0, 1])
"""How near to a limit."""
days = st.integers(-2, 3).map(lambda n: TODAY + timedelta(days=n))
moments = st.builds(
    lambda days, parts: MIDNIGHT + timedelta(days=days, microseconds=parts),
    st.integers(-5, 12),
    st.sampled_from([-1, 0, 1, NOON]),
)
"""Many around midnights, where days end."""


@st.composite
def movements(draw: st.DrawFn) -> tuple[Movement, ...]:
    """One to three movements of a currency, and what balances them on one more account."""
    currency = draw(st.sampled_from(CURRENCIES))
    # Unguarded accounts alone go a shorter way.
    codes = draw(st.sampled_from([CODES, [code for code in CODES if code not in GUARDED]]))
    account = st.sampled_from([code for code in codes if code.endswith(currency)])
    subject = st.none() | st.sampled_from(SUBJECTS)
    legs = [
        draw(st.sampled_from([debit, credit]))(
            draw(account), draw(amounts), currency, subject=draw(subject)
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    net = sum(x.amount if x.side is Side.DEBIT else -x.amount for x in legs)
    balancing = credit if net > 0 else debit
    if net:
        legs.append(balancing(draw(account), abs(net), currency))
    return tuple(legs)


contents: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    movements=movements()
    | st.lists(movements(), min_size=1, max_size=3).map(lambda parts: sum(parts, ())),
    event_at=moments,
    booked_on=days,
    metadata=st.just({}) | st.dictionaries(words, words, max_size=2),
)
"""What an entry says, but for its name: one to three currencies."""
