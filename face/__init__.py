"""The face that networks read: its points, its drawing, its framing, for Python and for pages.

The .json files hold what both languages read; each .js file beside a .py one does the same.
"""
