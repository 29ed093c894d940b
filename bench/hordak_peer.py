"""django-hordak at work for b_ledger: `python -m bench.hordak_peer`, with it on the PYTHONPATH.

Reads `single N` or `bulk N` a line and answers each with the seconds that N transfers took.
"""

import os
import sys
import time

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction


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
    from hordak.models import Account, AccountType
    from moneyed import Money

    cash, owed = (
        Account.objects.create(name=name, code=code, type=type, currencies=["CNY"])
        for name, code, type in (
            ("cash", "1", AccountType.asset),
            ("owed", "2", AccountType.liability),
        )
    )
    amount = Money("1.00", "CNY")

    def transfer(count: int) -> None:
        for _ in range(count):
            owed.transfer_to(cash, amount)

    for line in sys.stdin:
        way, count = line.split()
        begun = time.perf_counter()
        if way == "bulk":
            with transaction.atomic():
                transfer(int(count))
        else:
            transfer(int(count))
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
