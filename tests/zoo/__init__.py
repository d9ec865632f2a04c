"""Odd and broken inputs as data.

Each entry names its row in the table of faults (a letter for the section, then the row's number): A the JSON file,
B images and ids, C boxes, D segmentation, E file names, F image content, G proposals, H configuration, I the output
folder.
"""
