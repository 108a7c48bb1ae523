"""The Airflow DAG of alarms: health."""

from huizong_airflow.health_dags import health_dag

health = health_dag()
