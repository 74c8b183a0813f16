from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0006_reported_at"),
        ("units", "0004_origin"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="machine",
            index=models.Index(condition=models.Q(("retired_at__isnull", False)), fields=["id"], name="machine_out_of_service"),
        ),
    ]
