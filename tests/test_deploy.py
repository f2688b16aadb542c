"""What deploy/ holds speaks of what is there: commands, settings, requirements."""

from __future__ import annotations

import configparser
import importlib
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from newsletter.cli.main import cli
from newsletter.config import _known

PROJECT = Path(__file__).resolve().parent.parent
DEPLOY = PROJECT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = {name: service for name, service in COMPOSE["services"].items() if "command" in service}


def environment(path: Path) -> dict[str, str]:
    """A file of NAME=value lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def check_command(words: list[str]) -> None:
    """A command of ours, or gunicorn with an application of ours."""
    program, *rest = words
    if program.endswith("gunicorn"):
        module, _, call = rest[-1].partition(":")
        assert callable(getattr(importlib.import_module(module), call.removesuffix("()")))
        return
    assert Path(program).name == "newsletter"
    found: click.Command = cli
    while isinstance(found, click.Group):
        found = found.commands[rest.pop(0)]
    assert {word for word in rest if word.startswith("--")} <= {name for each in found.params for name in each.opts}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_is_there_and_gives_it_time_to_stop(path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(path, encoding="utf-8")

    service = unit["Service"]
    check_command(shlex.split(service["ExecStart"]))
    assert service["Restart"] == "always"
    assert path.name == "newsletter-web.service" or int(service["TimeoutStopSec"]) > 60  # jobs.sender may take so long


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_runs_a_command_that_is_there(name):
    check_command(SERVICES[name]["command"])


def test_containers_wait_for_services_that_are_there():
    named = {each for service in COMPOSE["services"].values() for each in service.get("depends_on", {})}

    assert {"database", "setup", "relay"} == named <= COMPOSE["services"].keys()


def test_the_example_of_an_environment_names_settings_that_are_there():
    given = environment(DEPLOY / "environment.example")
    settings = {name.removeprefix("NEWSLETTER_").lower() for name in given if name.startswith("NEWSLETTER_")}

    assert settings <= _known().keys()
    assert {"database_url", "secret_key"} <= settings  # which each machine would make for itself otherwise
    assert {"POSTGRES_USER", "POSTGRES_PASSWORD", "RELAY_HOSTNAME"} <= given.keys()


def test_the_image_is_made_of_files_that_are_there():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")

    taken = [line.removeprefix("!") for line in ignored.splitlines() if line.startswith("!")]
    assert all((PROJECT / name).exists() for name in taken)
    for name in re.findall(r"-r (\S+)|COPY (deploy/\S+)", text):
        assert (PROJECT / "".join(name)).is_file()
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE))
    assert {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service} <= stages
