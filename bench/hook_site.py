"""The real application, and beside it a bare Django view that does one INSERT: what hooks are
measured against. `granian bench.hook_site:application`."""

import os
import sys
from types import ModuleType

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TABLE = """
CREATE TABLE bare_hook (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body bytea, at timestamptz);
GRANT INSERT ON bare_hook TO tributary_app;
"""


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """Keep the body and say so."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bare_hook (body, at) VALUES (%s, %s)", [request.body, timezone.now()]
        )
    return HttpResponse(b"")


def site() -> WSGIHandler:
    """The application with one address more."""
    django.setup(set_prefix=False)
    from config.urls import urlpatterns

    both = ModuleType("bench_urls")
    both.urlpatterns = [path("bare/", bare), *urlpatterns]  # type: ignore[attr-defined]
    sys.modules[both.__name__] = both
    settings.ROOT_URLCONF = both.__name__
    return WSGIHandler()


application = site() if __name__ != "__main__" else None
