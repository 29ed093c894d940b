"""Stores of simulated marketplaces, fetched by real workers that are killed again and again.

The marketplaces are a program of their own and know the truth; so are the web server that takes
their hooks and the workers. While days are fetched the faults of the marketplaces are turned on one
after the other, and programs are killed with SIGKILL at moments drawn from a seed. What the hub
knows in the end is compared with the truth, store by store.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.faults.harness import Arena, Trial
from tests.faults.shops import asked, client
from tests.faults.workers import Worker, until

PATIENCE = 300.0
"""Seconds without any progress after which a season is given up."""
HURRY_SECONDS = 0.5
"""Pauses and rate limits pass at once: what waits for hours waits so long."""
LOOK_SECONDS = 0.1
HOOK_SECONDS = 0.5
"""Between two hooks: each asks for a day once more."""

LEFT = """
SELECT (SELECT count(*) FROM settlement_pullday WHERE day < %s AND completed_at IS NULL),
    (SELECT count(*) FROM settlement_sourcedocument WHERE state IN ('stored', 'reading')),
    (SELECT count(*) FROM settlement_hook WHERE state IN ('waiting', 'handling')),
    (SELECT count(*) FROM settlement_pullday WHERE day < %s),
    (SELECT count(*) FROM settlement_sourcedocument)
"""
HOLD = "UPDATE settlement_pullday SET lease_until = 'infinity'"
HURRY = """
UPDATE settlement_pullday SET lease_until = NULL
WHERE day < %s AND completed_at IS NULL AND state IN ('waiting', 'refused')
"""
AGAIN = """
UPDATE settlement_pullday SET completed_at = NULL, lease_until = NULL, state = 'waiting'
WHERE day < %s AND completed_at >= %s AND state IN ('waiting', 'complete')
"""
LINES = """
SELECT s.name, concat_ws(' ', l.kind, trim_scale(l.amount), l.amount_currency), count(*)
FROM settlement_line l JOIN accounts_store s ON s.id = l.store_id
WHERE l.live AND l.books GROUP BY 1, 2
"""
PAYOUTS = """
SELECT s.name, concat_ws(' ', trim_scale(p.amount), p.amount_currency), count(*)
FROM settlement_payout p JOIN accounts_store s ON s.id = p.store_id
WHERE p.state <> 'restated' GROUP BY 1, 2
"""
DOING = """
SELECT (SELECT count(*) FROM settlement_pullday WHERE state = 'pulling'),
    (SELECT count(*) FROM settlement_sourcedocument WHERE state = 'reading')
"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Some days, and the faults that are on while they are fetched.

    A fault that `stops` lets no day be complete: it is turned off when it has struck. `again`: what
    came while it was on is asked for once more, as when a platform mends what it had told.
    """

    faults: Mapping[str, Mapping[str, Any]]
    stops: bool = False
    again: bool = False


def stages(late: date) -> tuple[Stage, ...]:
    """Every fault in turn; the rows of one day are late in the end."""
    return (
        Stage(faults={}),
        Stage(faults={"storm": {"every": 7}}),
        Stage(faults={"error": {"every": 9}}),
        Stage(faults={"silence": {"every": 13}}),
        Stage(faults={"truncate": {"every": 11}}),
        Stage(faults={"small_pages": {}}),
        Stage(faults={"duplicate": {"every": 2}, "small_pages": {}}),
        Stage(faults={"shuffle": {}}),
        Stage(faults={"drift": {}}),
        Stage(faults={"drift_money": {"every": 3}}, again=True),
        Stage(faults={"expire": {}}, stops=True),
        Stage(faults={"skew": {"seconds": 86_400, "every": 5}}, stops=True),
        Stage(faults={"late": {"day": late.isoformat(), "calls": 40}}, again=True),
    )


@dataclass(kw_only=True)
class Outcome:
    """How a season ended."""

    kills: Counter[str] = field(default_factory=Counter)
    in_work: int = 0
    """Kills that struck while a day was fetched or a document read."""
    struck: Mapping[str, int] = field(default_factory=dict)
    days: int = 0
    documents: int = 0
    lines: int = 0
    payouts: int = 0
    hooks: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    """What differs from the truth, one text for each."""


@contextlib.contextmanager
def marketplaces(
    arena: Arena, *, seed: int, stores: int, days: int, ends_on: date, platforms: Sequence[str] = ()
) -> Iterator[str]:
    """The address of simulated marketplaces, a program of their own."""
    arguments = [
        *("--seed", str(seed), "--stores", str(stores), "--days", str(days)),
        *("--ends-on", ends_on.isoformat()),
        *(("--platforms", ",".join(platforms)) if platforms else ()),
    ]
    log = arena.home / f"marketplaces-{time.monotonic_ns()}.log"
    program = Worker(
        [sys.executable, "-m", "sandbox.marketplaces", *arguments],
        environment=arena.environment("postgres", arena.valkey),
        log=log,
    )
    try:
        until(lambda: log.read_text().endswith("\n"), "the marketplaces listen", seconds=PATIENCE)
        yield json.loads(log.read_text())["address"]
    finally:
        program.kill()


@dataclass(kw_only=True)
class Season:
    """One merchant's stores, fetched from the first day to the last."""

    trial: Trial
    address: str
    draw: random.Random
    tick_seconds: float
    tell: Callable[[str], None] | None = None
    outcome: Outcome = field(default_factory=Outcome)
    port: int = field(default_factory=lambda: _free_port())
    programs: dict[str, Worker] = field(default_factory=dict)
    moments: list[float] = field(default_factory=list)
    """Shares of all days at which something is killed, the next one last."""
    until: date = date.min
    """Earlier days are to be fetched by now."""
    all_days: int = 0
    _due: float = 0.0
    _hurried: float = 0.0
    _seen: tuple[int, ...] = ()
    _moved: float = field(default_factory=time.monotonic)

    def go(self, wanted: Sequence[Stage], *, first: date, days: int, kills: int) -> Outcome:
        """Fetch the days, each stage its share of them; raises AssertionError if it never ends."""
        begun = time.monotonic()
        self.moments = sorted((self.draw.random() for _ in range(kills)), reverse=True)
        self.tick()
        self.trial.connect().execute(HOLD)
        self.all_days = days * self.trial.ask("SELECT count(DISTINCT link_id) FROM "
                                              "settlement_pullday")[0][0]  # fmt: skip
        for name in ("fetcher", "reader", "web"):
            self._begin(name)
        with self._hooks():
            for place, stage in enumerate(wanted, 1):
                self.until = first + timedelta(days=days * place // len(wanted))
                self._through(stage)
        self._wait(lambda left: not any(left[:3]))
        self._compare()
        self.outcome.seconds = time.monotonic() - begun
        return self.outcome

    # --- the course of it ---

    def _through(self, stage: Stage) -> None:
        if self.tell:
            self.tell(f"{', '.join(stage.faults) or 'nothing'} from {self._left()[4]} documents on")
        since = self.trial.ask("SELECT clock_timestamp()")[0][0]
        before = self._turn(stage.faults)

        def over(left: tuple[int, ...]) -> bool:
            struck = self._turn({})
            all_struck = all(struck[name] > before[name] for name in stage.faults)
            if left[0] or left[1]:
                return all_struck and stage.stops
            if not all_struck:
                # Too few calls to be struck at all: these days are asked for once more.
                self.trial.connect().execute(AGAIN, [self.until, since])
            return all_struck

        self._wait(over)
        self.outcome.struck = self._turn(dict.fromkeys(stage.faults))
        self.trial.arena.inside(self.trial.database, "enter_keys_again", self.address)
        if stage.again:
            self.trial.connect().execute(AGAIN, [self.until, since])
        self._wait(lambda left: not left[0])

    def _wait(self, over: Callable[[tuple[int, ...]], bool]) -> None:
        """Go on until it is over; raises AssertionError where nothing moves any more."""
        while not over(left := self._left()):
            if left != self._seen:
                self._seen, self._moved = left, time.monotonic()
            if time.monotonic() - self._moved > PATIENCE:
                raise AssertionError(f"nothing moves any more: {left}\n{self._why()}")
            self._strike(left)
            self._hurry()
            # What is waited for happens in other programs.
            time.sleep(LOOK_SECONDS)

    def _left(self) -> tuple[int, ...]:
        """Days, documents and hooks to be done; days released and documents here."""
        return self.trial.ask(LEFT, self.until, self.until)[0]

    def _hurry(self) -> None:
        now = time.monotonic()
        if now - self._hurried > HURRY_SECONDS:
            self._hurried = now
            self.trial.ask(HURRY + " RETURNING 1", self.until)
            self.trial.ask("DELETE FROM settlement_rate RETURNING 1")
        if now > self._due:
            self.tick()

    def tick(self) -> None:
        """Do what beat would."""
        self._due = time.monotonic() + self.tick_seconds
        self.trial.arena.inside(self.trial.database, "tick")

    def _why(self) -> str:
        days = self.trial.ask(
            "SELECT s.name, d.day, d.state, d.error_reason FROM settlement_pullday d "
            "JOIN accounts_storelink l ON l.id = d.link_id JOIN accounts_store s "
            "ON s.id = l.store_id WHERE d.completed_at IS NULL ORDER BY d.day LIMIT 10"
        )
        logs = [worker.said()[-1500:] for worker in self.programs.values()]
        return "\n".join([*map(str, days), *logs])

    # --- what goes wrong ---

    def _strike(self, left: tuple[int, ...]) -> None:
        """Kill a program whose moment has come, and start it again."""
        if not self.moments or left[3] - left[0] < self.all_days * self.moments[-1]:
            return
        self.moments.pop()
        name = self.draw.choice(("fetcher", "fetcher", "reader", "web"))
        time.sleep(self.draw.random() / 2)
        [busy] = self.trial.ask(DOING)
        self.programs[name].kill()
        self.outcome.kills[name] += 1
        self.outcome.in_work += bool(busy[{"fetcher": 0, "reader": 1}.get(name, 0)])
        self._begin(name)

    def _begin(self, name: str) -> None:
        if name == "web":
            self.programs[name] = self.trial.start(
                name,
                *("-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "error"),
                *("--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"),
                *("--blocking-threads", "16", "config.wsgi:application"),
            )
        else:
            queues = ("pull",) if name == "fetcher" else ("ingest", "reconcile", "default")
            self.programs[name] = self.trial.worker(*queues)

    def _turn(self, faults: Mapping[str, Any]) -> dict[str, int]:
        """Turn faults on, or off by None; how often each has struck so far."""
        counts: dict[str, int] = asked(self.address, "/faults", body=dict(faults))
        return counts

    # --- hooks ---

    @contextlib.contextmanager
    def _hooks(self) -> Iterator[None]:
        """Have every store's marketplace send its hooks, again until each is acknowledged."""
        sender = _Sender(self.address, f"http://127.0.0.1:{self.port}", self._links())
        sender.start()
        try:
            yield
        finally:
            sender.enough.set()
            sender.join()
        self._wait(lambda left: not left[2])
        self.outcome.hooks = sum(sender.acknowledged.values())
        kept = Counter(dict(self.trial.ask(
            "SELECT l.store_id::text, count(*) FROM settlement_hook h "
            "JOIN accounts_storelink l ON l.id = h.link_id WHERE h.state = 'handled' GROUP BY 1"
        )))  # fmt: skip
        for store, count in sender.acknowledged.items():
            if kept[store] < count:
                self.outcome.wrong.append(
                    f"{store}: {count} hooks acknowledged, {kept[store]} kept"
                )

    def _links(self) -> dict[str, tuple[str, str]]:
        """By a store's name there: its id here, and the path of its hooks."""
        rows = self.trial.ask(
            "SELECT s.name, s.id::text, concat('/hooks/', s.platform, '/', l.id, '/') "
            "FROM accounts_storelink l JOIN accounts_store s ON s.id = l.store_id"
        )
        return {name: (store, path) for name, store, path in rows}

    # --- the end ---

    def _compare(self) -> None:
        outcome, told = self.outcome, asked(self.address, "/truth")["stores"]
        lines, payouts = self._known(LINES), self._known(PAYOUTS)
        for store in told:
            code = store["code"]
            for what, ours, theirs in (
                ("lines", lines.get(code, Counter()), Counter(map(_line, store["lines"]))),
                ("payouts", payouts.get(code, Counter()), Counter(map(_payout, store["payouts"]))),
            ):
                if ours != theirs:
                    outcome.wrong.append(
                        f"{code}: {what} missing {dict(theirs - ours)}, too many "
                        f"{dict(ours - theirs)}"
                    )
        outcome.lines = sum(each.total() for each in lines.values())
        outcome.payouts = sum(each.total() for each in payouts.values())
        outcome.days, outcome.documents = self._left()[3:5]
        outcome.wrong += self.trial.arena.inside(self.trial.database, "prove")

    def _known(self, sql: str) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for store, what, count in self.trial.ask(sql):
            found.setdefault(store, Counter())[what] = count
        return found


class _Sender(threading.Thread):
    """Asks the marketplaces for one hook after the other, and sends again what did not arrive."""

    def __init__(self, address: str, hub: str, links: Mapping[str, tuple[str, str]]) -> None:
        super().__init__(name="hooks", daemon=True)
        self.address, self.hub, self.links = address, hub, links
        self.enough = threading.Event()
        self.acknowledged: Counter[str] = Counter()

    def run(self) -> None:
        """Send until it is enough."""
        wanted = [(told["code"], event) for told in asked(self.address, "/stores")
                  for event in told["events"]]  # fmt: skip
        for code, event in itertools.cycle(wanted):
            if self.enough.wait(HOOK_SECONDS):
                return
            self._send(code, event)

    def _send(self, code: str, event: str) -> None:
        store, path = self.links[code]
        wish = {"store": code, "event": event, "url": self.hub + path}
        headers = {"Host": "control.sandbox"}
        came = client().post(f"{self.address}/hooks", json=wish, headers=headers)
        if came.status_code == 200:
            self.acknowledged[store] += sum(one["status"] < 300 for one in came.json())


def season(
    arena: Arena,
    *,
    seed: int,
    stores: int,
    days: int,
    kills: int,
    platforms: Sequence[str] = (),
    tick_seconds: float = 1.0,
    tell: Callable[[str], None] | None = None,
) -> Outcome:
    """Fetch the stores of a seeded world that ended the day before yesterday."""
    ends_on = date.today() - timedelta(days=2)  # noqa: DTZ011  far enough from any zone's today
    first = ends_on - timedelta(days=days - 1)
    with marketplaces(
        arena, seed=seed, stores=stores, days=days, ends_on=ends_on, platforms=platforms
    ) as address:
        scene = arena.scene(f"season_{seed}_{stores}", "shops", address, first.isoformat())
        with arena.trial(scene) as trial:
            trial.environment["MARKETPLACES_URL"] = address
            course = Season(
                trial=trial,
                address=address,
                draw=random.Random(seed),
                tick_seconds=tick_seconds,
                tell=tell,
            )
            return course.go(stages(ends_on), first=first, days=days, kills=kills)


def _line(line: Mapping[str, str]) -> str:
    return f"{line['kind']} {_plain(line['amount'])} {line['currency']}"


def _payout(payout: Mapping[str, str]) -> str:
    return f"{_plain(payout['amount'])} {payout['currency']}"


def _plain(amount: str) -> str:
    return f"{Decimal(amount).normalize():f}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
