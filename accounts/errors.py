"""Named errors of the accounts floor."""


class AccountsError(Exception):
    """Base of the errors below; the message is plain words for the user."""


class NoSuchMerchantError(AccountsError):
    """The user is no member of the merchant."""


class NotAllowedError(AccountsError):
    """The member's role does not allow the action."""


class VaultError(AccountsError):
    """A sealed value cannot be opened with any of the configured keys."""
