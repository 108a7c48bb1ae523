"""Workbooks and what is like them: cells in rows and columns."""
