"""DAGs are loaded from a home with a live cycle, one that is run by hand, and a broken one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from dag_home import HOME, ROOT

# Airflow reads its settings when it is first imported, so they are set before any test module imports it.
os.environ.setdefault("AIRFLOW_HOME", f"/tmp/huizong-test-airflow-{os.getuid()}")
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


@pytest.fixture(scope="session")
def dags() -> Iterator[dict[str, object]]:
    """All DAGs of the test home by id, as the DAG processor would load them."""
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUIZONG_HOME", str(HOME))
        patch.setenv("HUIZONG_PROJECT", str(HOME))  # the project's own cycles are not wanted here
        bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    yield dict(bag.dags)
