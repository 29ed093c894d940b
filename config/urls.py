"""Every address of the installation."""

from django.contrib import admin
from django.urls import include, path

from config.health import healthz, readyz
from web import hooks

urlpatterns = [
    path("", include("web.dashboard.urls")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("hooks/<slug:code>/<uuid:link_id>/", hooks.receive, name="hook"),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
