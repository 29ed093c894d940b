"""django-hordak at work for b_ledger: `python -m bench.hordak_peer`, with it on the PYTHONPATH.

A client as in bench/clients.py: `single` posts transfers one by one, `bulk` all in one transaction.
"""

import os

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from bench.clients import Task, serve


def main() -> None:
    """Migrate, open two accounts, and transfer as often as asked."""
    import dj_database_url

    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "mptt",
            "hordak",
        ],
        DATABASES={
            "default": dj_database_url.parse(os.environ["PEER_DATABASE_URL"], conn_max_age=600)
        },
        DEFAULT_CURRENCY="CNY",
        HORDAK_CURRENCIES=["CNY"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
    call_command("migrate", verbosity=0)
    serve(_tasks())


def _tasks() -> dict[str, Task]:
    from hordak.models import Account, AccountType
    from moneyed import Money

    # Every client transfers between the same two accounts.
    cash, owed = (
        Account.objects.get_or_create(
            code=code, defaults={"name": name, "type": type, "currencies": ["CNY"]}
        )[0]
        for name, code, type in (
            ("cash", "1", AccountType.asset),
            ("owed", "2", AccountType.liability),
        )
    )
    amount = Money("1.00", "CNY")

    def transfer(count: int) -> None:
        for _ in range(count):
            owed.transfer_to(cash, amount)

    return {
        "single": lambda count: lambda: transfer(count),
        "bulk": lambda count: lambda: transaction.atomic(transfer)(count),
    }


if __name__ == "__main__":
    main()
