"""What the ledger's tables look like to Django.

The tables themselves, with their guards, are SQL in the migrations (`managed = False`): Django
neither alters nor flushes them. Rows are written by `ledger/book.py` and `ledger/holds.py` and by
nothing else.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Side(models.TextChoices):
    """Which side of an account an amount stands on."""

    DEBIT = "D", _("debit")
    CREDIT = "C", _("credit")

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.CREDIT if self is Side.DEBIT else Side.DEBIT


class LedgerAccount(models.Model):
    """A bucket in a book, addressed by an opaque code; never changed, never deleted."""

    id = models.UUIDField(primary_key=True, editable=False)
    book = models.UUIDField(_("book"))
    code = models.TextField(_("code"))
    currency = models.CharField(_("currency"), max_length=3)
    normal_side = models.CharField(_("normal side"), max_length=1, choices=Side.choices)
    floor = models.BigIntegerField(_("floor"), null=True)
    """Minor units the available balance never falls below; None: not guarded."""
    opened_at = models.DateTimeField(_("opened at"))

    class Meta:
        managed = False
        default_permissions = ["view"]
        ordering = ["book", "code"]
        verbose_name = _("ledger account")
        verbose_name_plural = _("ledger accounts")

    def __str__(self) -> str:
        return self.code


class JournalEntry(models.Model):
    """A balanced set of postings, written once."""

    id = models.UUIDField(primary_key=True, editable=False)
    book = models.UUIDField(_("book"))
    reference = models.TextField(_("reference"))
    kind = models.TextField(_("kind"))
    content_hash = models.BinaryField(_("content hash"), max_length=32)
    posting_count = models.SmallIntegerField(_("number of postings"))
    event_at = models.DateTimeField(_("happened at"))
    known_at = models.DateTimeField(_("known at"))
    booked_on = models.DateField(_("booked on"))
    memo = models.TextField(_("memo"))
    reverses = models.UUIDField(_("reverses"), null=True)

    class Meta:
        managed = False
        default_permissions = ["view"]
        ordering = ["-id"]
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")

    def __str__(self) -> str:
        return self.reference


class Posting(models.Model):
    """One amount on one account. The table is partitioned by the month of `known_at`."""

    pk = models.CompositePrimaryKey("entry_id", "line_no")
    book = models.UUIDField(_("book"))
    entry = models.ForeignKey(
        JournalEntry,
        models.PROTECT,
        db_constraint=False,
        related_name="postings",
        verbose_name=_("entry"),
    )
    line_no = models.SmallIntegerField(_("line"))
    account = models.ForeignKey(
        LedgerAccount,
        models.PROTECT,
        db_constraint=False,
        related_name="postings",
        verbose_name=_("account"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    side = models.CharField(_("side"), max_length=1, choices=Side.choices)
    amount = models.BigIntegerField(_("amount"))
    """Minor units, positive."""
    subject = models.UUIDField(_("subject"), null=True)
    known_at = models.DateTimeField(_("known at"))
    booked_on = models.DateField(_("booked on"))

    class Meta:
        managed = False
        default_permissions = ["view"]
        ordering = ["entry_id", "line_no"]
        verbose_name = _("posting")
        verbose_name_plural = _("postings")


class GuardedBalance(models.Model):
    """The running balance of an account with a floor; postings and holds move it by triggers."""

    account = models.OneToOneField(
        LedgerAccount,
        models.PROTECT,
        primary_key=True,
        db_constraint=False,
        related_name="guarded",
        verbose_name=_("account"),
    )
    book = models.UUIDField(_("book"))
    debits = models.BigIntegerField(_("debits"))
    credits = models.BigIntegerField(_("credits"))
    held = models.BigIntegerField(_("held"))
    floor = models.BigIntegerField(_("floor"))
    normal_side = models.CharField(_("normal side"), max_length=1, choices=Side.choices)

    class Meta:
        managed = False
        default_permissions = ["view"]
        db_table = "ledger_balance"
        verbose_name = _("guarded balance")
        verbose_name_plural = _("guarded balances")


class HoldState(models.TextChoices):
    """What became of a hold; once it is not held, it stays so."""

    HELD = "held", _("held")
    POSTED = "posted", _("posted")
    RELEASED = "released", _("released")


class Hold(models.Model):
    """Money of a guarded account promised to something, until it is posted or released."""

    id = models.UUIDField(primary_key=True, editable=False)
    book = models.UUIDField(_("book"))
    reference = models.TextField(_("reference"))
    account = models.ForeignKey(
        LedgerAccount,
        models.PROTECT,
        db_constraint=False,
        related_name="holds",
        verbose_name=_("account"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.BigIntegerField(_("amount"))
    """Minor units, positive."""
    subject = models.UUIDField(_("subject"), null=True)
    state = models.TextField(_("state"), choices=HoldState.choices)
    placed_at = models.DateTimeField(_("placed at"))
    expires_at = models.DateTimeField(_("expires at"), null=True)
    settled_at = models.DateTimeField(_("settled at"), null=True)
    entry = models.ForeignKey(
        JournalEntry,
        models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="holds",
        verbose_name=_("entry"),
    )
    """The entry that posted it."""
    reason = models.TextField(_("reason"))
    """Why it was released."""
    content_hash = models.BinaryField(_("content hash"), max_length=32)

    class Meta:
        managed = False
        default_permissions = ["view"]
        ordering = ["-id"]
        verbose_name = _("hold")
        verbose_name_plural = _("holds")

    def __str__(self) -> str:
        return self.reference
