#!/bin/sh
# Brings Airflow's database and the ledger up to date and makes the first administrator. Safe to run again.
set -eu
airflow db migrate
airflow users create --username admin --role Admin --password "$AIRFLOW_ADMIN_PASSWORD" \
    --firstname 管理员 --lastname 汇总 --email admin@bureau.example
python -c 'from huizong_airflow.context import open_context; open_context()'
