from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0004_differences"),
    ]

    operations = [
        migrations.AddField(
            model_name="storedsnapshot",
            name="deciding",
            field=models.CharField(
                blank=True,
                default="",
                help_text="feeds.matching.host.deciding, worked out here; empty: before it was noted",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            model_name="storedsnapshot",
            name="digest",
            field=models.CharField(help_text="Of the facts alone, as the machine says", max_length=64),
        ),
    ]
