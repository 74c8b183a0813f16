from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery

COLUMNS = {"fails": "fail", "unknowns": "unknown", "passes": "passed", "weight": "weight"}


def fill(apps: Any, schema_editor: Any) -> None:
    machines = apps.get_model("ingest", "Machine").objects.using(schema_editor.connection.alias).exclude(latest=None)
    newest = apps.get_model("ingest", "StoredSnapshot").objects.filter(pk=OuterRef("latest"))
    judged = apps.get_model("assess", "StoredAssessment").objects.filter(snapshot=OuterRef("latest"))
    machines.update(
        reported_at=Subquery(newest.values("orders_at")),
        **{name: Subquery(judged.values(column)) for name, column in COLUMNS.items()},
    )


class Migration(migrations.Migration):
    dependencies = [
        ("assess", "0003_centre"),
        ("ingest", "0006_reported_at"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
