"""People, merchants, stores and bank accounts. No amount of money stands here."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """A UUID that sorts by the time it was made (version 7)."""
    return uuid7()


class UserManager(BaseUserManager["User"]):
    """Makes users known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user; e-mail addresses are compared without regard to case."""
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an operator who may do everything in the back-office."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user by e-mail address, in any case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in, for a merchant or for the operator."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    is_staff = models.BooleanField(_("operator"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """The name shown beside what the user did."""
        return str(self)


class Segment(models.TextChoices):
    """What kind of business a merchant is; waiver programmes may ask for it."""

    GENERAL = "general", _("General")
    E_COMMERCE = "e_commerce", _("E-commerce")


class Merchant(models.Model):
    """The legal person whose money it is."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=200)
    zone = models.CharField(_("time zone"), max_length=64, default="Asia/Shanghai")
    segment = models.CharField(
        _("segment"), max_length=16, choices=Segment.choices, default=Segment.GENERAL
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do; access.py says which role may do what."""

    OWNER = "owner", _("Owner")
    FINANCE = "finance", _("Finance")
    VIEWER = "viewer", _("Viewer")


class Member(models.Model):
    """A user acting for a merchant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="members", verbose_name=_("merchant")
    )
    user = models.ForeignKey(
        User, models.PROTECT, related_name="memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "user"], name="member_is_once_in_a_merchant"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class SettlementAccount(models.Model):
    """The one account in the hub to which many stores are linked."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="settlement_accounts", verbose_name=_("merchant")
    )
    name = models.CharField(_("name"), max_length=120)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("settlement account")
        verbose_name_plural = _("settlement accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "name"], name="settlement_account_name_is_once_in_a_merchant"
            )
        ]

    def __str__(self) -> str:
        return self.name


class AtABank(models.Model):
    """The number of an account at a bank, sealed by vault.py; only its tail is readable.

    `number_digest` is a keyed digest, so that a number is found without being readable in the
    database.
    """

    number_sealed = models.BinaryField(editable=False)
    number_digest = models.CharField(max_length=64, editable=False)
    number_tail = models.CharField(max_length=4, editable=False)
    currency = models.CharField(
        _("currency"), max_length=3, validators=[RegexValidator(r"^[A-Z]{3}$")]
    )

    class Meta:
        abstract = True

    @property
    def masked(self) -> str:
        """The number as people may see it: its last digits only."""
        return f"•••• {self.number_tail}"


class BankAccount(AtABank):
    """An account of the merchant at a bank; its statements find it by the number's digest."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="bank_accounts", verbose_name=_("merchant")
    )
    settlement_account = models.ForeignKey(
        SettlementAccount,
        models.PROTECT,
        related_name="bank_accounts",
        verbose_name=_("settlement account"),
    )
    bank = models.CharField(_("bank"), max_length=120)
    holder = models.CharField(_("account holder"), max_length=200)

    class Meta:
        verbose_name = _("bank account")
        verbose_name_plural = _("bank accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "number_digest", "currency"],
                name="bank_account_is_once_in_a_merchant",
            )
        ]

    def __str__(self) -> str:
        return f"{self.bank} {self.masked} {self.currency}"


class PayeeState(models.TextChoices):
    """How far a payee is trusted."""

    NEW = "new", _("New")
    COOLING = "cooling", _("Cooling off")
    TRUSTED = "trusted", _("Trusted")
    BLOCKED = "blocked", _("Blocked")


class Payee(AtABank):
    """A saved beneficiary of withdrawals.

    `agent` is the code of the payee's bank (BIC or CNAPS), empty where its own bank pays.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="payees", verbose_name=_("merchant")
    )
    holder = models.CharField(_("account holder"), max_length=140)
    bank = models.CharField(_("bank"), max_length=120)
    agent = models.CharField(_("bank code"), max_length=14, blank=True, default="")
    state = models.CharField(
        _("state"), max_length=16, choices=PayeeState.choices, default=PayeeState.NEW
    )
    added_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("payee")
        verbose_name_plural = _("payees")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "number_digest", "currency"],
                name="payee_is_once_in_a_merchant",
            )
        ]

    def __str__(self) -> str:
        return f"{self.holder} · {self.bank} {self.masked}"


class Store(models.Model):
    """One shop of a merchant on one platform (by the adapter's code)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="stores", verbose_name=_("merchant")
    )
    settlement_account = models.ForeignKey(
        SettlementAccount,
        models.PROTECT,
        related_name="stores",
        verbose_name=_("settlement account"),
    )
    platform = models.CharField(_("platform"), max_length=32)
    name = models.CharField(_("name"), max_length=120)
    external_id = models.CharField(_("shop number"), max_length=64, blank=True, default="")
    """What the platform itself calls the shop, where the merchant told us."""
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "platform", "name"],
                name="store_name_is_once_on_a_platform",
            ),
            models.UniqueConstraint(
                fields=["merchant", "platform", "external_id"],
                condition=~models.Q(external_id=""),
                name="store_number_is_once_on_a_platform",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LinkMethod(models.TextChoices):
    """How a store's documents reach us."""

    UPLOAD = "upload", _("File upload")
    KEYS = "keys", _("Keys of the shop")
    CONSENT = "consent", _("Consent at the platform")


class LinkState(models.TextChoices):
    """Where a permission to read a store stands."""

    PENDING = "pending", _("Pending")
    ACTIVE = "active", _("Active")
    EXPIRING = "expiring", _("Expiring")
    EXPIRED = "expired", _("Expired")
    REVOKED = "revoked", _("Revoked")
    ERROR = "error", _("Error")
    REAUTH_PENDING = "reauth_pending", _("Waiting for renewal")


class StoreLink(models.Model):
    """Permission to read a store; one per store and cash account."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, models.PROTECT, related_name="store_links", verbose_name=_("merchant")
    )
    store = models.ForeignKey(Store, models.PROTECT, related_name="links", verbose_name=_("store"))
    cash_account = models.CharField(_("cash account"), max_length=32, blank=True, default="")
    method = models.CharField(_("way of linking"), max_length=16, choices=LinkMethod.choices)
    state = models.CharField(
        _("state"), max_length=16, choices=LinkState.choices, default=LinkState.ACTIVE
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    secrets_sealed = models.BinaryField(null=True, editable=False)
    """Keys and tokens by their common names, JSON, sealed; see accounts/permissions.py."""
    pending_sealed = models.BinaryField(null=True, editable=False)
    """Keys or a consent that are still to be proved by a call, JSON, sealed."""
    fetch_from = models.DateField(_("fetched from"), null=True, blank=True)
    """The first day whose documents are fetched; None where nothing is."""
    expires_at = models.DateTimeField(_("token ends"), null=True, blank=True)
    renewable_until = models.DateTimeField(_("consent ends"), null=True, blank=True)
    renewing_until = models.DateTimeField(null=True, editable=False)
    """Until when one process has the renewal of the token to itself."""
    scopes = models.CharField(_("scopes"), max_length=500, blank=True, default="")
    granted_at = models.DateTimeField(_("granted"), null=True, blank=True)
    granted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("granted by")
    )
    error_reason = models.TextField(_("reason"), blank=True, default="")

    class Meta:
        verbose_name = _("store link")
        verbose_name_plural = _("store links")
        constraints = [
            models.UniqueConstraint(
                fields=["store", "cash_account"], name="store_link_is_once_per_cash_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.store} · {self.get_method_display()}"


class PlatformApp(models.Model):
    """The operator's own application at a platform, in whose name merchants consent."""

    code = models.CharField(_("platform"), max_length=32, primary_key=True)
    secrets_sealed = models.BinaryField(editable=False)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("platform application")
        verbose_name_plural = _("platform applications")

    def __str__(self) -> str:
        return self.code
