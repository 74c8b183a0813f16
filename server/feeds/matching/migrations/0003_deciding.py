from typing import Any

from django.db import migrations, models


def forget(apps: Any, schema_editor: Any) -> None:
    """What machines said of their facts is compared with nothing any more."""
    apps.get_model("matching", "Matched").objects.update(facts="")


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0002_exploited_not_seen"),
        ("ingest", "0005_deciding"),
    ]

    operations = [
        migrations.AlterField(
            model_name="matched",
            name="facts",
            field=models.CharField(help_text="StoredSnapshot.deciding: equal means the same host", max_length=64),
        ),
        migrations.RunPython(forget, migrations.RunPython.noop),
    ]
