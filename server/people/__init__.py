"""How people prove who they are: a second factor beside the password, and how long and how often one is logged on."""
