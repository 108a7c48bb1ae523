"""Archives and saved messages."""
