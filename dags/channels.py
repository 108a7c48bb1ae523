"""Airflow DAGs of every mailbox and folder: receive.<channel>, send.<channel>."""

from huizong_airflow.context import home
from huizong_airflow.factory import all_channel_dags

globals().update(all_channel_dags(home()))
