from django.apps import AppConfig


class WebConfig(AppConfig):
    """The entrances: dashboard, API, inbound hooks."""

    name = "web"
