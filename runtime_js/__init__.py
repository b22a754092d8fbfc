"""The JS runtime's files, shipped as package data and copied into every artifact."""
