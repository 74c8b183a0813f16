"""Who is who: the organisation tree, its people and what each of them may see."""
