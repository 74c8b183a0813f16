import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0007_out_of_service"),
        ("matching", "0003_deciding"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="carried",
            index=models.Index(fields=["ground", "machine", "since"], name="carried_spread"),
        ),
        migrations.AlterField(
            model_name="carried",
            name="ground",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="carried",
                to="matching.ground",
            ),
        ),
    ]
