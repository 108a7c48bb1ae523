"""Put on $AIRFLOW_HOME/config (the image and the demo do so): Airflow imports it at every start.

Tasks are forked from the scheduler (LocalExecutor) or the Celery worker; what those have imported, a task
need not import again. Great Expectations costs 8 to 11 seconds of processor time, openpyxl and docx one, so
they are imported once there, and only there: in the other components they would only cost memory.
"""

import importlib
import logging
import sys

FORKING = ({"scheduler"}, {"celery", "worker"})


def _forks_tasks(arguments: list[str]) -> bool:
    return any(words <= set(arguments[1:3]) for words in FORKING)


if _forks_tasks(sys.argv):
    # Hundreds of lines at INFO about its own decorators.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for module in ("great_expectations", "openpyxl", "docx"):
        importlib.import_module(module)
