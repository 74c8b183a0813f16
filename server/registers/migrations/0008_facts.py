from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registers", "0007_stocktakes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="seen",
            name="facts",
            field=models.CharField(help_text="digest_of what seen.py reads; empty: it could not be read", max_length=64),
        ),
    ]
