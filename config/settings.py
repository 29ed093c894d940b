"""All settings, from the environment; without one, the embedded stack's.

`DATABASE_URL` logs in as the application, `DATABASE_OPS_URL` as the operator's
back-office and `DATABASE_OWNER_URL` as the owner of the schema (migrations).
Where only the first is given it serves for all three, through SET ROLE.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from config.home import default_home, running_urls
from config.keys import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = default_home()
env = environ.Env()

DEBUG = env.bool("DEBUG", False)
DEPLOYED = env.bool("DEPLOYED", False)
"""True behind HTTPS on a server of its own; secrets must then be given."""

if DEPLOYED and not os.environ.get("SECRET_KEY"):
    raise ImproperlyConfigured("SECRET_KEY must be set when DEPLOYED is true")
SECRET_KEY = env.str("SECRET_KEY", "") or kept_secret(HOME, "secret_key")
VAULT_KEYS: list[str] = env.list("VAULT_KEYS", default=[]) or [kept_secret(HOME, "vault_key")]
"""Newest first: the first seals, all open (see accounts/vault.py)."""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "config",
    "unfold",
    "accounts",
    "settlement",  # before the ledger: its check_books is the ledger's and its own
    "ledger",
    "web",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "django_htmx",
    "djmoney",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "web.dashboard.context.RelaxAdminPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "web.dashboard.context.ActAsMember",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"tributary": "web.dashboard.templatetags.tributary"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.dashboard.context.merchant",
            ],
        },
    },
]

# --- Databases: one server, three roles -------------------------------------------------

embedded = running_urls(HOME)


POOLED = env.bool("DISABLE_SERVER_SIDE_CURSORS", False)
"""Behind a pooler that lends a connection for a transaction: nothing outlives one."""


def _database(url: str, role: str | None) -> dict[str, Any]:
    parsed = environ.Env.db_url_config(url)
    # Only what goes out with its parameters apart can be prepared: posting to the ledger does.
    prepare = None if POOLED else 5
    options = {"connect_timeout": 5, "prepare_threshold": prepare, **parsed.get("OPTIONS", {})}
    if role is not None:
        options["assume_role"] = role
    return {
        **parsed,
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": options,
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", 600),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": POOLED,
    }


_given = {} if embedded is None else embedded.as_environment()


def _url(name: str) -> str:
    """What the environment names, else what the embedded stack has."""
    return env.str(name, "") or _given.get(name, "")


_app_url = _url("DATABASE_URL")
_ops_url = _url("DATABASE_OPS_URL") or _app_url
_owner_url = _url("DATABASE_OWNER_URL") or _app_url
_nowhere = "postgresql://nobody@127.0.0.1:1/no-database"
DATABASES = {
    "default": _database(_app_url or _nowhere, "tributary_app"),
    "ops": _database(_ops_url or _nowhere, "tributary_ops"),
    "owner": _database(_owner_url or _nowhere, None),
}
BROKER_URL = _url("BROKER_URL") or "memory://"

# --- Seals of the ledger ------------------------------------------------------------------

_seal_key_file = env.str("LEDGER_SEAL_KEY_FILE", "")
LEDGER_SEAL_KEY = (
    env.str("LEDGER_SEAL_KEY", "")
    or (Path(_seal_key_file).read_text(encoding="ascii").strip() if _seal_key_file else "")
    or ("" if DEPLOYED else kept_secret(HOME, "ledger_seal_key"))
)
"""Signs the heads that leave the database (32 bytes in base64, Ed25519); only workers need it."""
LEDGER_HEADS = Path(env.str("LEDGER_HEADS", str(HOME / "heads")))
"""Where they go, best a disk of another machine; or a storage, which then comes first."""
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if _heads_storage := env.str("LEDGER_HEADS_STORAGE", ""):
    STORAGES["ledger_heads"] = {
        "BACKEND": _heads_storage,
        "OPTIONS": env.json("LEDGER_HEADS_OPTIONS", default={}),
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIGRATION_MODULES: dict[str, str] = {}

# --- Documents ---------------------------------------------------------------------------

DOCUMENTS_DIR = Path(env.str("DOCUMENTS_DIR", str(HOME / "documents")))
DOCUMENT_MAX_BYTES = env.int("DOCUMENT_MAX_BYTES", 1024 * 1024 * 1024)
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- The bank that pays -------------------------------------------------------------------

BANK_URL = _url("BANK_URL")
"""Where payment files go and statements come from; empty: no withdrawals."""
BANK_KEY = _url("BANK_KEY")
BANK_GRACE_SECONDS = env.float("BANK_GRACE_SECONDS", 60.0)
"""How long after sending the bank's "not known" is not believed: it may be busy receiving."""
BANK_COLLECT_SECONDS = env.float("BANK_COLLECT_SECONDS", 60.0)

# --- Marketplaces -------------------------------------------------------------------------

MARKETPLACES_URL = _url("MARKETPLACES_URL")
"""The simulated marketplaces (sandbox/marketplaces) that answer for all; empty: the real ones."""
HOOKS_AT_ONCE = env.int("HOOKS_AT_ONCE", 12)
"""So many hooks at once, for longer than a moment, and a web process asks the next ones to come
again (503). Less than its threads (WEB_THREADS)."""

# --- People ------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.str("ACCOUNT_EMAIL_VERIFICATION", "optional")
ACCOUNT_ADAPTER = "accounts.onboarding.InvitedOnly"
ACCOUNT_PREVENT_ENUMERATION = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "account_login"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)

# --- Languages and time ------------------------------------------------------------------

LANGUAGE_CODE = env.str("LANGUAGE_CODE", "en")
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
TIME_ZONE = "UTC"

# --- Browser -----------------------------------------------------------------------------

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = DEPLOYED
SECURE_HSTS_SECONDS = 31_536_000 if DEPLOYED else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = DEPLOYED
if DEPLOYED:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

UNFOLD = {
    "SITE_TITLE": "Tributary",
    "SITE_HEADER": "Tributary",
    "SITE_SUBHEADER": _("Back-office"),
    "SITE_SYMBOL": "account_balance",
    "SITE_URL": reverse_lazy("overview"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/mark.svg")}
    ],
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": False,
    "SIDEBAR": {"navigation": "settlement.admin.menu.navigation"},
    "DASHBOARD_CALLBACK": "settlement.admin.menu.dashboard",
}

# --- Logs --------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        # It writes whole addresses, and a bank's name accounts.
        "httpx": {"level": "WARNING"},
        # A line for each tick of the clock would hide what happens.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}

# --- Work --------------------------------------------------------------------------------

LEASE_SECONDS = env.int("LEASE_SECONDS", 60)
"""How long a worker that no longer answers keeps its work."""
PROGRESS_SECONDS = env.float("PROGRESS_SECONDS", 1.0)
"""How often a worker tells how far it is and renews its lease."""
