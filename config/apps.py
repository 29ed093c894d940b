"""The wiring as a Django app: its commands, and the Celery application in every process."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Makes `shared_task` find our Celery application in web and command processes."""

    name = "config"

    def ready(self) -> None:
        """Create the Celery application once settings are complete."""
        from config import celery  # noqa: F401
