"""`python -m sandbox.online_bank`: serves a simulated bank until SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sandbox import online_bank
from sandbox.online_bank.bank import Bank, close_regularly
from sandbox.online_bank.counter import Counter
from sandbox.online_bank.statements import NewAccount
from sandbox.online_bank.switches import UnreadableRequestError, account_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; returns the exit code."""
    options = _parser().parse_args(arguments)
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, frame: stopping.set())
    bank = Bank(options.state, books_after=options.books_after)
    for account in options.account:
        bank.open_account(account)
    with Counter((options.host, options.port), bank=bank, key=options.key) as counter:
        threads = [threading.Thread(target=counter.serve_forever)]
        if options.closes_every is not None:
            told = (bank, options.closes_every, stopping)
            threads.append(threading.Thread(target=close_regularly, args=told))
        for thread in threads:
            thread.start()
        _announce(options.state, f"http://{options.host}:{counter.server_address[1]}")
        stopping.wait()
        counter.shutdown()
        for thread in threads:
            thread.join()
    bank.leave()
    return 0


def _announce(directory: Path, address: str) -> None:
    """Writes the address whole or not at all, then says so."""
    new = directory / "address.new"
    new.write_text(f"{address}\n", encoding="utf-8")
    new.replace(directory / "address")
    sys.stdout.write(f"listening on {address}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.online_bank",
        description=online_bank.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--state", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--key",
        default=os.environ.get("BANK_KEY"),
        required="BANK_KEY" not in os.environ,
        help="what callers must show as Bearer; default: BANK_KEY of the environment",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--account",
        type=_account,
        action="append",
        default=[],
        metavar="NUMBER:CURRENCY:OPENING:HOLDER",
        help="opens an account with so many minor units; repeatable",
    )
    parser.add_argument(
        "--books-after", type=_seconds, default=timedelta(), metavar="SECONDS", help="default 0"
    )
    parser.add_argument(
        "--closes-every", type=_seconds, metavar="SECONDS", help="default: on demand only"
    )
    return parser


def _seconds(text: str) -> timedelta:
    length = timedelta(seconds=float(text))
    if length < timedelta():
        raise argparse.ArgumentTypeError("seconds cannot be negative")
    return length


def _account(text: str) -> NewAccount:
    try:
        number, currency, opening, holder = text.split(":", 3)
        return account_of(
            {"number": number, "currency": currency, "opening": int(opening), "holder": holder}
        )
    except (ValueError, UnreadableRequestError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


if __name__ == "__main__":
    raise SystemExit(main())
