"""Named errors of the accounts floor."""


class AccountsError(Exception):
    """Base of the errors below; the message is plain words for the user."""


class NoSuchMerchantError(AccountsError):
    """The user is no member of the merchant."""


class NotAllowedError(AccountsError):
    """The member's role does not allow the action."""


class StoreTakenError(AccountsError):
    """The merchant has a store of this name or shop number on the platform already."""


class VaultError(AccountsError):
    """A sealed value cannot be opened with any of the configured keys."""
