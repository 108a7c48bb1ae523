"""Airflow DAGs of every cycle: <cycle>.issue, .validate, .chase, .assemble, .release."""

from huizong_airflow.context import home
from huizong_airflow.factory import cycle_dags

globals().update(cycle_dags(home()))
