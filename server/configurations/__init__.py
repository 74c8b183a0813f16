"""The configurations of network devices: kept as versions, compared, and watched for what was not saved."""
