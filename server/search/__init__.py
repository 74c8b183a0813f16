"""Finding a thing by its words, from every page: an index of words for what there is much of, and looking through the rest."""
