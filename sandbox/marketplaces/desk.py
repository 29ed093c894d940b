"""What every simulated platform works with: the world, the faults, a clock, tokens, numbers."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sandbox.marketplaces.faults import Faults
from sandbox.marketplaces.model import Movement, Payout, Store, World

Clock = Callable[[], datetime]


def real_time() -> datetime:
    """This instant."""
    return datetime.now(tz=UTC)


@dataclass(kw_only=True)
class Desk:
    """One server's state. `now` may be set, so that simulated time is what a test says."""

    world: World
    faults: Faults
    now: Clock = real_time
    tokens: Tokens = field(init=False)
    settings: dict[str, str] = field(default_factory=dict)
    """What the operator entered in its applications' settings at the platforms."""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _downloads: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokens = Tokens(desk=self)

    def checked_time(self, platform: str) -> datetime:
        """The clock that signed times are held against: skewed if a fault says so."""
        return datetime.fromtimestamp(
            self.now().timestamp() + self.faults.seconds(platform), tz=UTC
        )

    def seen(self, store: Store) -> tuple[list[Movement], list[Payout]]:
        """What the platform shows of a store now, oldest first: nothing of the future."""
        now, zone = self.now(), ZoneInfo(store.zone)
        late = self.faults.hidden_day(store.platform, now)
        life = self.world.lives[store.code]

        def shows(at: datetime) -> bool:
            return at <= now and at.astimezone(zone).date() != late

        movements = [movement for movement in life.movements if shows(movement.at)]
        return movements, [payout for payout in life.payouts if shows(payout.at)]

    def on(self, store: Store, day: date) -> list[Movement] | None:
        """The movements of one day of the store's; None while they are late."""
        late = self.faults.hidden_day(store.platform, self.now())
        if late == day:
            return None
        life = self.world.lives[store.code]
        return [m for m in life.movements if m.at.astimezone(ZoneInfo(store.zone)).date() == day]

    def unique(self, what: str) -> str:
        """32 hexadecimal digits, other ones each time; the same in the same order of calls."""
        return digest(f"{self.world.seed}:{what}:{next(self._numbers)}")

    def keep(self, ticket: str, content: bytes) -> None:
        """Puts a file where a download link finds it."""
        self._downloads[ticket] = (content, self.now())

    def fetch(self, ticket: str, seconds: int) -> bytes | None:
        """The file behind a link that is not older than that."""
        content, made = self._downloads.get(ticket, (b"", None))
        if made is None or (self.now() - made).total_seconds() > seconds:
            return None
        return content


@dataclass(kw_only=True)
class Grant:
    """A pair of tokens; `ends` is when the access token does (None: never)."""

    store: Store
    access: str
    refresh: str
    ends: datetime | None
    round: int = 0
    """How often the fault `expire` had been turned on when it was given out."""


@dataclass(kw_only=True)
class Tokens:
    """Who may read which store with which token; renewing ends the pair before."""

    desk: Desk
    _grants: dict[str, Grant] = field(default_factory=dict)
    _codes: dict[str, tuple[Store, str]] = field(default_factory=dict)
    _count: dict[str, int] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def holder(self, store: Store, access: str) -> Grant | None:
        """The live grant of a store by its access token, if that is it."""
        with self._lock:
            grant = self._of(store)
            if grant is None or not access or grant.access != access:
                return None
            return grant

    def is_expired(self, grant: Grant) -> bool:
        """Whether it is over by time or by the fault `expire`, which strikes here."""
        if self.desk.faults.expires(grant.store.platform, grant.round):
            return True
        return grant.ends is not None and self.desk.now() >= grant.ends

    def issue(self, store: Store, prefix: tuple[str, str], ends: datetime | None) -> Grant:
        """New tokens in place of the old ones."""
        with self._lock:
            number = self._count[store.code] = self._count.get(store.code, 0) + 1
            stem = f"{self.desk.world.seed}:{store.code}:{number}"
            grant = Grant(
                store=store,
                access=prefix[0] + digest(f"access:{stem}"),
                refresh=prefix[1] + digest(f"refresh:{stem}"),
                ends=ends,
                round=self.desk.faults.expire_round,
            )
            self._grants[store.code] = grant
            return grant

    def by_refresh(self, store: Store, refresh: str) -> Grant | None:
        """The live grant by its refresh token."""
        grant = self._of(store)
        return grant if grant and refresh and grant.refresh == refresh else None

    def revoke(self, store: Store) -> None:
        """Ends a store's permission."""
        self._grants[store.code] = Grant(store=store, access="", refresh="", ends=None)

    def code(self, store: Store, note: str) -> str:
        """A code that is redeemed once; `note` comes back with it."""
        code = self.desk.unique("code")
        self._codes[code] = (store, note)
        return code

    def redeem(self, code: str) -> tuple[Store, str] | None:
        """Whose code it was, and its note; the second time None."""
        with self._lock:
            return self._codes.pop(code, None)

    def _of(self, store: Store) -> Grant | None:
        """The store's grant; at first the one it was made with."""
        if store.code not in self._grants and "access_token" in store.secrets:
            self._grants[store.code] = Grant(
                store=store,
                access=store.secrets["access_token"],
                refresh=store.secrets.get("refresh_token", ""),
                ends=None,
            )
        return self._grants.get(store.code)


def digest(text: str) -> str:
    """32 hexadecimal digits of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
