"""By which report a letter was told last stands in Weighed, once for all letters of a machine."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('sweeps', '0001_initial'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='concern',
            name='snapshot',
        ),
    ]
