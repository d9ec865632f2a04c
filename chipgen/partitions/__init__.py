"""A dataset in several parts, which together may be larger than memory: one is read, planned, built and forgotten.

Each annotation file becomes a build like any other, in a folder of its own: it keeps every promise by itself, is
resumed, verified and described by itself. The folder above adds a card, with which readers find the chips of all parts,
and a manifest that names them. Nothing here ever holds two datasets.
"""
