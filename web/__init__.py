"""The live avatar page: its scripts, and what lays them out as a folder for any static server."""
