"""Many stores are linked to one settlement account: looked over first, then all or none."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Merchant, SettlementAccount, Store, User
from accounts.onboarding import NewStore, add_stores, number_stores
from settlement.errors import SettlementError
from settlement.money_in import platform_names
from settlement.money_in.platform_names import Named
from settlement.money_in.store_sheet import Column, SheetError, SheetRow, read_rows, read_sheet

__all__ = [
    "Checked", "Column", "Fault", "ForeignAccountError", "Linked", "Preview", "RowError",
    "RowsRefusedError", "SheetError", "SheetRow", "Verdict", "link", "preview", "read_rows",
    "read_sheet",
]  # fmt: skip

log = logging.getLogger(__name__)

LONGEST: Final = {Column.NAME: 120, Column.NUMBER: 64}
JOINER: Final = "\N{ZERO WIDTH JOINER}"
"""Stands inside emoji that people see as one sign, and shop names have them."""
UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Verdict(StrEnum):
    """What linking would do with a row."""

    NEW = "new"
    NUMBERED = "numbered"
    """The store is linked already, and its shop number would be noted."""
    LINKED = "linked"
    ERROR = "error"


class Fault(StrEnum):
    """What stands against a row."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    UNSEEN = "unseen"
    DAMAGED = "damaged"
    UNKNOWN_PLATFORM = "unknown_platform"
    NOT_READ_YET = "not_read_yet"
    UNKNOWN_ACCOUNT = "unknown_account"
    TWICE = "twice"
    NAME_TAKEN = "name_taken"
    NUMBER_TAKEN = "number_taken"


WORDS: Final[dict[Fault, tuple[Promise, Promise]]] = {
    Fault.EMPTY: (
        gettext_lazy("This is empty."),
        gettext_lazy("Fill it in, or delete the row."),
    ),
    Fault.TOO_LONG: (
        gettext_lazy("This is longer than %(most)d characters."),
        gettext_lazy("Shorten it."),
    ),
    Fault.UNSEEN: (
        gettext_lazy("There is a character in it that nobody can see (%(character)s)."),
        gettext_lazy("Type it anew instead of pasting it."),
    ),
    Fault.DAMAGED: (
        gettext_lazy("The spreadsheet program has changed this: it is a date or a rounded number."),
        gettext_lazy("Format the column as text and type it again."),
    ),
    Fault.UNKNOWN_PLATFORM: (
        gettext_lazy("No platform is called “%(text)s”."),
        gettext_lazy("Write it as on the template's second sheet."),
    ),
    Fault.NOT_READ_YET: (
        gettext_lazy("The files of %(text)s cannot be read here yet."),
        gettext_lazy("Leave this row out for now."),
    ),
    Fault.UNKNOWN_ACCOUNT: (
        gettext_lazy("You have no settlement account called “%(text)s”."),
        gettext_lazy("Write its name as your profile shows it, or leave this empty."),
    ),
    Fault.TWICE: (
        gettext_lazy("Row %(row)d says the same."),
        gettext_lazy("Delete one of the two, or tell them apart."),
    ),
    Fault.NAME_TAKEN: (
        gettext_lazy("“%(store)s” is linked to %(account)s already (shop number: %(number)s)."),
        gettext_lazy("If this is another store, give it another name."),
    ),
    Fault.NUMBER_TAKEN: (
        gettext_lazy("This shop number belongs to “%(store)s”, which is linked already."),
        gettext_lazy("Correct the number, or delete the row if it is the same store."),
    ),
}
"""The reason and what to do, for each fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """What stands against a row, in which column, and what to do about it."""

    column: Column
    fault: Fault
    reason: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A row with its verdict. `platform` is the adapter's code, "" while unknown.

    `paid_through` marks a marketplace whose money is told by another's files (Taobao: Alipay).
    """

    row: SheetRow
    verdict: Verdict
    platform: str = ""
    paid_through: bool = False
    account: SettlementAccount | None = None
    store: Store | None = None
    errors: Sequence[RowError] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Every row with its verdict, in the sheet's order."""

    rows: list[Checked]

    def of(self, verdict: Verdict) -> list[Checked]:
        """The rows with this verdict."""
        return [row for row in self.rows if row.verdict == verdict]

    @property
    def ready(self) -> bool:
        """Whether the sheet can be linked: no row has an error, and one at least changes."""
        verdicts = {row.verdict for row in self.rows}
        return Verdict.ERROR not in verdicts and bool(verdicts - {Verdict.LINKED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What linking has done; `known` were linked before."""

    stores: list[Store]
    numbered: int
    known: int


class RowsRefusedError(SettlementError):
    """Nothing was linked, because rows have errors; `preview` says which."""

    def __init__(self, seen: Preview) -> None:
        super().__init__(f"{len(seen.of(Verdict.ERROR))} rows have errors")
        self.preview = seen


class ForeignAccountError(SettlementError):
    """The settlement account is not the acting merchant's."""


def link(
    account: SettlementAccount, rows: Sequence[SheetRow], *, by: User, now: datetime
) -> Linked:
    """Link every new store of the sheet, or none. Inside `acting_for`.

    Rows are judged anew here, whatever an earlier preview said. A second click finds the stores
    linked. Raises RowsRefusedError, ForeignAccountError, and StoreTakenError where somebody
    else has linked one of them at this very moment.
    """
    with transaction.atomic():
        _own_accounts(account)
        # Two sheets of a merchant go one after the other, whichever accounts they name.
        Merchant.objects.select_for_update(no_key=True).get(id=account.merchant_id)
        seen = preview(account, rows)
        if seen.of(Verdict.ERROR):
            raise RowsRefusedError(seen)
        stores = add_stores(map(_new_store, seen.of(Verdict.NEW)), now=now)
        numbered = list(_numbered(seen))
        number_stores(numbered)
    log.info("%s linked %d stores to %s", by.pk, len(stores), account.pk)
    return Linked(stores=stores, numbered=len(numbered), known=len(seen.of(Verdict.LINKED)))


def preview(account: SettlementAccount, rows: Iterable[SheetRow]) -> Preview:
    """Say of each row what linking would do. Inside `acting_for`; `account` is what a row without
    one means. Raises ForeignAccountError.
    """
    sheet = _Sheet(account=account, accounts=_own_accounts(account))
    for store in Store.objects.select_related("settlement_account"):
        sheet.by_name[store.platform, store.name] = store
        if store.external_id:
            sheet.by_number[store.platform, store.external_id] = store
    return Preview(rows=[_checked(row, sheet) for row in rows])


def _own_accounts(account: SettlementAccount) -> dict[str, SettlementAccount]:
    """The acting merchant's accounts by name; the given one must be among them."""
    accounts = {found.name: found for found in SettlementAccount.objects.all()}
    if account.id not in {found.id for found in accounts.values()}:
        raise ForeignAccountError("the settlement account is another merchant's")
    return accounts


def _new_store(checked: Checked) -> NewStore:
    assert checked.account is not None, "a row without errors has an account"
    return NewStore(
        account=checked.account,
        platform=checked.platform,
        name=checked.row.name,
        external_id=checked.row.number,
    )


def _numbered(seen: Preview) -> Iterator[Store]:
    """Stores that are linked already, with the number the sheet gives them."""
    for checked in seen.of(Verdict.NUMBERED):
        assert checked.store is not None, "this verdict is about a store"
        checked.store.external_id = checked.row.number
        yield checked.store


# --- one row ------------------------------------------------------------------------------

Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class _Sheet:
    """What a row is judged against: what is linked already, and the rows above it."""

    account: SettlementAccount
    accounts: dict[str, SettlementAccount]
    by_name: dict[Key, Store] = field(default_factory=dict)
    by_number: dict[Key, Store] = field(default_factory=dict)
    named_in: dict[Key, int] = field(default_factory=dict)
    numbered_in: dict[Key, int] = field(default_factory=dict)


def _checked(row: SheetRow, sheet: _Sheet) -> Checked:
    named = platform_names.understood(row.platform)
    account = sheet.accounts.get(row.account) if row.account else sheet.account
    errors = [*_faults_of_values(row), *_faults_of_names(row, named, account)]
    if errors or named is None or account is None:
        return Checked(row=row, verdict=Verdict.ERROR, errors=errors)
    errors = [*_repeated(row, named.code, sheet)] or [*_taken(row, named.code, account, sheet)]
    store = sheet.by_name.get((named.code, row.name))
    return Checked(
        row=row,
        verdict=Verdict.ERROR if errors else _verdict(row, store),
        platform=named.code,
        paid_through=named.paid_through,
        account=account,
        store=store,
        errors=errors,
    )


def _verdict(row: SheetRow, store: Store | None) -> Verdict:
    if store is None:
        return Verdict.NEW
    return Verdict.NUMBERED if row.number and not store.external_id else Verdict.LINKED


def _faults_of_values(row: SheetRow) -> Iterator[RowError]:
    """Values that cannot be what the person means, whatever stands elsewhere."""
    for column in (Column.PLATFORM, Column.NAME):
        if not row.said(column):
            yield _error(column, Fault.EMPTY)
    for column in Column:
        text = row.said(column)
        if column in row.damaged:
            yield _error(column, Fault.DAMAGED)
        elif unseen := _unseen(text):
            yield _error(column, Fault.UNSEEN, character=unseen)
        elif len(text) > LONGEST.get(column, len(text)):
            yield _error(column, Fault.TOO_LONG, most=LONGEST[column])


def _unseen(text: str) -> str:
    """The first character that cannot be seen, by its code point; "" if there is none."""
    for character in text:
        if unicodedata.category(character) in UNSEEN and character != JOINER:
            return f"U+{ord(character):04X}"
    return ""


def _faults_of_names(
    row: SheetRow, named: Named | None, account: SettlementAccount | None
) -> Iterator[RowError]:
    """A platform or an account that is not there."""
    if row.platform and named is None:
        yield _error(Column.PLATFORM, Fault.UNKNOWN_PLATFORM, text=row.platform)
    elif named is not None and not named.readable:
        yield _error(Column.PLATFORM, Fault.NOT_READ_YET, text=row.platform)
    if account is None:
        yield _error(Column.ACCOUNT, Fault.UNKNOWN_ACCOUNT, text=row.account)


def _repeated(row: SheetRow, platform: str, sheet: _Sheet) -> Iterator[RowError]:
    """What a row above says already."""
    first = sheet.named_in.setdefault((platform, row.name), row.row)
    if first != row.row:
        yield _error(Column.NAME, Fault.TWICE, row=first)
    if row.number:
        first = sheet.numbered_in.setdefault((platform, row.number), row.row)
        if first != row.row:
            yield _error(Column.NUMBER, Fault.TWICE, row=first)


def _taken(
    row: SheetRow, platform: str, account: SettlementAccount, sheet: _Sheet
) -> Iterator[RowError]:
    """What a linked store has already, where the row does not mean that very store."""
    named = sheet.by_name.get((platform, row.name))
    numbered = sheet.by_number.get((platform, row.number)) if row.number else None
    if numbered is not None and numbered != named:
        yield _error(Column.NUMBER, Fault.NUMBER_TAKEN, store=numbered.name)
    if named is None:
        return
    renumbered = bool(row.number and named.external_id and row.number != named.external_id)
    if named.settlement_account_id != account.id or renumbered:
        yield _error(
            Column.NAME,
            Fault.NAME_TAKEN,
            store=named.name,
            account=named.settlement_account.name,
            number=named.external_id or _("none"),
        )


def _error(column: Column, fault: Fault, **given: object) -> RowError:
    reason, todo = WORDS[fault]
    return RowError(column=column, fault=fault, reason=str(reason) % given, todo=str(todo))
