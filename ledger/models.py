"""What the ledger's tables look like to Django.

The tables themselves, with their guards, are SQL in the migrations (`managed = False`): Django
neither alters nor flushes them. Rows are written by `ledger/book.py`, `ledger/holds.py` and
`ledger/seals.py` and by nothing else.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
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
    """Minor units the balance less what is held never falls below; None: not guarded."""
    overdraft = models.BigIntegerField(_("overdraft"), default=0)
    """How many minor units below zero a hold may take what is available."""
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
    hold_id = models.UUIDField(_("posts the hold"), null=True)
    metadata = models.JSONField(_("metadata"), null=True)
    link_count = models.SmallIntegerField(_("number of links"), default=0)

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


class Link(models.Model):
    """How an entry relates to an earlier one; with an amount, whose money it took."""

    pk = models.CompositePrimaryKey("entry_id", "link_no")
    book = models.UUIDField(_("book"))
    entry = models.ForeignKey(
        JournalEntry,
        models.PROTECT,
        db_constraint=False,
        related_name="links",
        verbose_name=_("entry"),
    )
    link_no = models.SmallIntegerField(_("link"))
    relation = models.TextField(_("relation"))
    target = models.ForeignKey(
        JournalEntry,
        models.PROTECT,
        db_constraint=False,
        related_name="linked_from",
        verbose_name=_("earlier entry"),
    )
    account = models.ForeignKey(
        LedgerAccount,
        models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("account"),
    )
    amount = models.BigIntegerField(_("amount"), null=True)
    """Minor units of the target's money on the account that the entry took."""

    class Meta:
        managed = False
        default_permissions = ["view"]
        ordering = ["entry_id", "link_no"]
        verbose_name = _("link")
        verbose_name_plural = _("links")


class Balance(models.Model):
    """The running balance of an account; postings and holds move it by triggers.

    Of an account with a floor it is always up to date. Others follow when arrivals are folded.
    """

    account = models.OneToOneField(
        LedgerAccount,
        models.PROTECT,
        primary_key=True,
        db_constraint=False,
        related_name="balance",
        verbose_name=_("account"),
    )
    book = models.UUIDField(_("book"))
    debits = models.BigIntegerField(_("debits"))
    credits = models.BigIntegerField(_("credits"))
    held = models.BigIntegerField(_("held"))
    floor = models.BigIntegerField(_("floor"), null=True)
    overdraft = models.BigIntegerField(_("overdraft"), default=0)
    normal_side = models.CharField(_("normal side"), max_length=1, choices=Side.choices)

    class Meta:
        managed = False
        default_permissions = ["view"]
        db_table = "ledger_balance"
        verbose_name = _("balance")
        verbose_name_plural = _("balances")


class HoldState(models.TextChoices):
    """What became of a hold; once it is not held, it stays so."""

    HELD = "held", _("held")
    POSTED = "posted", _("posted")
    RELEASED = "released", _("released")
    EXPIRED = "expired", _("expired")


class Hold(models.Model):
    """Money of a guarded account promised to something, until it is posted, released or expires.

    Entries take it in parts or whole (`JournalEntry.hold_id`); it is posted when all is taken.
    """

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
    taken = models.BigIntegerField(_("taken"), default=0)
    """Minor units that entries took; a live hold keeps the rest."""
    subject = models.UUIDField(_("subject"), null=True)
    state = models.TextField(_("state"), choices=HoldState.choices)
    placed_at = models.DateTimeField(_("placed at"))
    expires_at = models.DateTimeField(_("expires at"), null=True)
    settled_at = models.DateTimeField(_("settled at"), null=True)
    posted_by = models.ForeignKey(
        JournalEntry,
        models.PROTECT,
        null=True,
        db_column="posted_by",
        db_constraint=False,
        related_name="+",
        verbose_name=_("posted by"),
    )
    """The entry that posted it, in books of a time when entries did not name their hold."""
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


class ClosingAction(models.TextChoices):
    """Whether days are closed or opened again."""

    CLOSE = "close", _("close")
    REOPEN = "reopen", _("reopen")


class Closing(models.Model):
    """Through which day a book is closed from now on, who said so and what the book was then."""

    id = models.UUIDField(primary_key=True, editable=False)
    book = models.UUIDField(_("book"))
    number = models.IntegerField(_("number"))
    """From 1 in each book, without gaps; the highest is in force."""
    action = models.TextField(_("action"), choices=ClosingAction.choices)
    through = models.DateField(_("closed through"), null=True)
    """The last day on which nothing can be booked any more; None: every day is open."""
    closed_by = models.TextField(_("by"))
    approved_by = models.TextField(_("approved by"), null=True)
    reason = models.TextField(_("reason"))
    closed_at = models.DateTimeField(_("at"))
    digest = models.BinaryField(_("digest"), max_length=32)
    """SHA-256 of the trial balance through that day."""

    class Meta:
        managed = False
        default_permissions = ["view"]
        ordering = ["book", "-number"]
        verbose_name = _("closing")
        verbose_name_plural = _("closings")

    def __str__(self) -> str:
        return f"{self.book} {self.number}"


class Seal(models.Model):
    """Up to 10,000 records hashed, and hashed together with the seal before it."""

    id = models.UUIDField(primary_key=True, editable=False)
    """The first half of the head; the key is the book and the number."""
    book = models.UUIDField(_("book"))
    number = models.BigIntegerField(_("number"))
    sealed_at = models.DateTimeField(_("sealed at"))
    kinds = ArrayField(models.TextField(), verbose_name=_("kinds"))
    ids = ArrayField(models.UUIDField(), verbose_name=_("records"))
    digests = ArrayField(models.BinaryField(), verbose_name=_("digests"))
    previous = models.BinaryField(_("previous head"), max_length=32)
    head = models.BinaryField(_("head"), max_length=32)

    class Meta:
        managed = False
        default_permissions = ["view"]
        ordering = ["book", "-number"]
        verbose_name = _("seal")
        verbose_name_plural = _("seals")

    def __str__(self) -> str:
        return str(self.number)


class Anchor(models.Model):
    """A head that left the database, signed; written after it had left."""

    pk = models.CompositePrimaryKey("book", "number")
    book = models.UUIDField(_("book"))
    number = models.BigIntegerField(_("number"))
    exported_at = models.DateTimeField(_("exported at"))
    signature = models.BinaryField(_("signature"), max_length=64)
    place = models.TextField(_("place"))

    class Meta:
        managed = False
        default_permissions = ["view"]
        ordering = ["book", "-number"]
        verbose_name = _("anchor")
        verbose_name_plural = _("anchors")
