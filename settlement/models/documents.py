"""Documents exactly as received, and the lines read from them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import BankAccount, Store, User, new_id
from settlement.models.fields import merchant_key, money


class DocumentState(models.TextChoices):
    """Where a document stands; see TRANSITIONS in states.py."""

    STORED = "stored", _("Waiting")
    READING = "reading", _("Being read")
    LOADED = "loaded", _("Loaded")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ColumnProfile(models.Model):
    """How one bank writes its CSV, as the operator has found out; of no merchant.

    `definition` is what platforms/banks/bank_csv reads. It never changes: the
    documents read by it stay explained, and a correction is another version.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(_("code"), max_length=32, editable=False)
    version = models.IntegerField(_("version"), editable=False)
    definition = models.JSONField(_("definition"))
    made_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    made_by = models.ForeignKey(
        User, models.PROTECT, editable=False, related_name="+", verbose_name=_("made by")
    )

    class Meta:
        verbose_name = _("column profile")
        verbose_name_plural = _("column profiles")
        constraints = [
            models.UniqueConstraint(
                fields=["code", "version"], name="column_profile_version_is_made_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"


class SourceDocument(models.Model):
    """Bytes exactly as received, by their sha256; also the piece of work "read this"."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    store = models.ForeignKey(
        Store, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("store")
    )
    bank_account = models.ForeignKey(
        BankAccount,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("bank account"),
    )
    """The one the uploader chose for a bank's file; None where the file says it."""
    column_profile = models.ForeignKey(
        ColumnProfile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("column profile"),
    )
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    size = models.BigIntegerField(_("size in bytes"))
    name = models.CharField(_("file name"), max_length=255)
    origin = models.CharField(_("origin"), max_length=32, default="upload")
    context = models.JSONField(default=dict, blank=True, editable=False)
    """What its bytes do not say and whoever fetched it knew (currency, …); texts by name."""
    uploaded_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("uploaded by")
    )
    known_at = models.DateTimeField(_("received"))
    code = models.CharField(_("format"), max_length=32, blank=True, default="")
    unverified = models.CharField(
        _("unverified profile"), max_length=64, blank=True, default="", editable=False
    )
    """The layout's name where it rests on secondary sources only; shown to the user."""
    numbering = models.CharField(max_length=32, blank=True, default="", editable=False)
    """Where the lines' numbers come from, if documents of one store could differ in it."""
    state = models.CharField(
        _("state"), max_length=16, choices=DocumentState.choices, default=DocumentState.STORED
    )
    bytes_read = models.BigIntegerField(default=0)
    readings = models.SmallIntegerField(_("readings"), default=0)
    rows_kept = models.IntegerField(_("new rows"), default=0)
    rows_known = models.IntegerField(_("rows known before"), default=0)
    rows_restated = models.IntegerField(_("restated rows"), default=0)
    error_row = models.IntegerField(_("row"), null=True, blank=True)
    error_reason = models.TextField(_("reason"), blank=True, default="")
    attempts = models.SmallIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(_("being worked on until"), null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    loaded_at = models.DateTimeField(_("loaded"), null=True, blank=True)

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "sha256"],
                condition=~models.Q(state="withdrawn"),
                name="document_is_stored_once",
            )
        ]
        indexes = [
            models.Index(fields=["merchant", "-known_at"], name="document_newest_first"),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["stored", "reading"]),
                name="document_still_to_read",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def percent(self) -> int:
        """How much of the file has been read, 0 to 100."""
        if self.state == DocumentState.LOADED:
            return 100
        return min(99, self.bytes_read * 100 // self.size) if self.size else 0


class Line(models.Model):
    """One signed movement of a store's balance, as a document says it.

    Partitioned by `known_at` (the document's). `live` is False once a later
    document restated the line or its document was withdrawn. `books` is False
    for evidence whose money another document states.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    merchant = merchant_key()
    document = models.ForeignKey(
        SourceDocument,
        models.DO_NOTHING,
        related_name="lines",
        db_constraint=False,
        db_index=False,
        verbose_name=_("document"),
    )
    store = models.ForeignKey(
        Store,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("store"),
    )
    known_at = models.DateTimeField(_("learnt"))
    row = models.IntegerField(_("row"))
    external_id = models.TextField(_("number at the platform"))
    version = models.SmallIntegerField(_("version"), default=1)
    kind = models.CharField(_("kind"), max_length=20)
    amount = money(_("amount"))
    event_at = models.DateTimeField(_("when"))
    order_ref = models.TextField(_("order"), blank=True, default="")
    payout_ref = models.TextField(_("payout number"), blank=True, default="")
    remittance = models.TextField(_("remittance"), blank=True, default="")
    label = models.TextField(_("text"), blank=True, default="")
    books = models.BooleanField(_("counts for the books"), default=True)
    live = models.BooleanField(_("current"), default=True)

    # django-money adds these at run time.
    amount_currency: str
    objects: ClassVar[models.Manager[Line]] = models.Manager()

    class Meta:
        db_table = "settlement_line"
        managed = False
        verbose_name = _("settlement line")
        verbose_name_plural = _("settlement lines")

    def __str__(self) -> str:
        return self.external_id


class WalletStatement(models.Model):
    """What a store's wallet held before and after a document's lines, where it says so.

    The earliest one's opening balance is money the platform owed before we
    knew the store; each next one must begin where the last one ended.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = merchant_key()
    store = models.ForeignKey(
        Store, models.PROTECT, related_name="wallet_statements", verbose_name=_("store")
    )
    document = models.ForeignKey(
        SourceDocument, models.PROTECT, related_name="wallet_statements", verbose_name=_("document")
    )
    cash_account = models.CharField(_("cash account"), max_length=32, blank=True, default="")
    opening = money(_("opening balance"))
    closing = money(_("closing balance"))
    first_at = models.DateTimeField(_("from"))
    last_at = models.DateTimeField(_("to"))
    known_at = models.DateTimeField(_("learnt"))
    live = models.BooleanField(_("current"), default=True)

    # django-money adds these at run time.
    opening_currency: str
    closing_currency: str
    objects: ClassVar[models.Manager[WalletStatement]] = models.Manager()

    class Meta:
        verbose_name = _("wallet statement")
        verbose_name_plural = _("wallet statements")
        indexes = [
            models.Index(fields=["merchant", "store", "first_at"], name="wallet_by_period"),
        ]

    def __str__(self) -> str:
        return f"{self.cash_account} {self.first_at:%Y-%m-%d} – {self.last_at:%Y-%m-%d}"
