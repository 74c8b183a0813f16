"""What stands: the present verdict of each machine under each rule, what turned when, and how many machines stand how."""
