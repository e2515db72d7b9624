"""What a text says to a machine: characters that do not show, and orders to a model.

`lexicon.json` has the words, `rules` how they stand together, `folding` sees through disguise.
"""
