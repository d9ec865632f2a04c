"""The painter behind make_dataset.py: shapes on a canvas, things made of shapes, places made of things."""
