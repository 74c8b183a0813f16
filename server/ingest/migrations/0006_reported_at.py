from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0005_deciding"),
    ]

    operations = [
        migrations.AddField(
            model_name="machine",
            name="reported_at",
            field=models.DateTimeField(help_text="orders_at of `latest`", null=True),
        ),
        migrations.AddField(
            model_name="machine",
            name="fails",
            field=models.PositiveIntegerField(help_text="Of its assessment; null: not judged", null=True),
        ),
        migrations.AddField(model_name="machine", name="unknowns", field=models.PositiveIntegerField(null=True)),
        migrations.AddField(model_name="machine", name="passes", field=models.PositiveIntegerField(null=True)),
        migrations.AddField(model_name="machine", name="weight", field=models.PositiveIntegerField(null=True)),
    ]
