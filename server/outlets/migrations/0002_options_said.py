from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outlets", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="outlet",
            name="options",
            field=models.JSONField(default=dict, help_text="What its kind has besides (making.py)"),
        ),
    ]
