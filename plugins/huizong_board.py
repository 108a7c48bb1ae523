"""Registers the board and the UI's first language with Airflow. The pages are in huizong_airflow.board."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from huizong_airflow.board import PREFIX, board
from huizong_airflow.board.language import ChineseByDefault


class HuizongBoard(AirflowPlugin):
    name = "huizong_board"
    fastapi_apps = [{"app": board, "url_prefix": PREFIX, "name": "huizong board"}]
    fastapi_root_middlewares = [
        {"middleware": ChineseByDefault, "args": [], "kwargs": {}, "name": "Chinese by default"}
    ]
    external_views = [
        {
            "name": "看板",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "huizong",
            "nav_top_level": True,
        }
    ]
