from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('units', '0003_history'),
    ]

    operations = [
        migrations.AddField(
            model_name='membership',
            name='origin',
            field=models.CharField(blank=True, default='', help_text='Empty: given here by a person; oidc, ldap: by a group, and goes with it', max_length=10),
        ),
        migrations.RemoveConstraint(
            model_name='membership',
            name='each_role_once_per_unit',
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('user', 'unit', 'role', 'origin'), name='each_role_once_per_unit'),
        ),
    ]
