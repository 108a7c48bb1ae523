"""Huizong's domain: issue, receive, validate, chase, assemble. Never imports airflow."""
