"""Attachments that came as links to a net disk: asked for anew, or waiting to be downloaded by a person."""

from __future__ import annotations
