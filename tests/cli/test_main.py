"""The console script: exit codes, and what becomes of errors whatever the command."""

from __future__ import annotations

import io
import pwd
import socket
import subprocess

import click
import pytest

from newsletter.cli.main import cli
from tests.program import Program

#: Arguments with which each command gets as far as its settings.
ARGUMENTS = {
    "serve": ["--port", "1"],
    "preview": ["--list"],
    "dkim keygen": ["--selector", "news1"],
    "updates import": ["update.json"],
    "updates export": ["folder"],
    "subscribers import": ["readers.csv"],
    "subscribers end": ["ada@example.org"],
    "subscriber show": ["ada@example.org"],
    "subscriber export": ["ada@example.org"],
    "subscriber erase": ["ada@example.org", "--yes"],
    "suppression add": ["ada@example.org"],
    "suppression lift": ["ada@example.org"],
    "edition assemble": ["2022-11"],
    "edition show": ["2022-11"],
    "edition preview": ["2022-11"],
    "edition overview": ["2022-11"],
    "edition check": ["2022-11"],
    "edition report": ["2022-11"],
    "edition propose": ["2022-11"],
    "edition take-back": ["2022-11"],
    "edition approve": ["2022-11"],
    "edition send": ["2022-11"],
    "edition pause": ["2022-11"],
    "edition resume": ["2022-11"],
    "edition cancel": ["2022-11", "--yes"],
    "edition held": ["2022-11"],
    "destination resume": ["gmail"],
    "domain add": ["example.org"],
    "domain remove": ["example.org"],
    "admin add": ["ada@example.org", "--role", "owner"],
    "admin close": ["ada@example.org"],
    "admin reset": ["ada@example.org"],
}
NEEDS_NO_SETTINGS = {"demo", "places list"}
NEEDS_NO_DATABASE = {"config", "dkim keygen", "preview"}


def leaves(group: click.Group, above: str = "") -> list[str]:
    """The commands that do something."""
    found = []
    for name, each in group.commands.items():
        found += leaves(each, f"{above}{name} ") if isinstance(each, click.Group) else [f"{above}{name}"]
    return found


COMMANDS = [name for name in leaves(cli) if name not in NEEDS_NO_SETTINGS]
#: The doctor tells of a database in its own words: see test_doctor.
WITH_DATABASE = [name for name in COMMANDS if name not in {*NEEDS_NO_DATABASE, "doctor"}]


@pytest.fixture
def prepared(tmp_path):
    """The files that ARGUMENTS names, good ones."""
    (tmp_path / "update.json").write_text(
        '{"place": "KZ", "month": "2022-11", "trend": "unchanged", "headline": "A month passed.",'
        ' "developments": [{"lead": "It did.", "text": ""}]}'
    )
    (tmp_path / "readers.csv").write_text("email,follows,consent\nada@example.org,all,by letter\n")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.usefixtures("prepared")
def test_a_bad_setting_is_told_by_every_command(refused, name):
    told = refused(*name.split(), *ARGUMENTS.get(name, []), RATE="fast")

    assert told == "environment NEWSLETTER_RATE: RATE can't be used: write a number from 0 to 100000"


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.usefixtures("prepared")
def test_a_folder_that_can_not_be_written_is_told_by_every_command(refused, tmp_path, name):
    (tmp_path / "file").touch()

    told = refused(*name.split(), *ARGUMENTS.get(name, []), INSTANCE=str(tmp_path / "file" / "instance"))

    assert told.startswith(f"{tmp_path}/file/instance can't be written (Not a directory); make it writable")


@pytest.mark.parametrize("name", WITH_DATABASE)
@pytest.mark.usefixtures("prepared")
def test_a_database_that_can_not_be_opened_is_told_by_every_command(refused, tmp_path, name):
    (tmp_path / "file").touch()

    told = refused(*name.split(), *ARGUMENTS.get(name, []), DATABASE_URL=f"sqlite:///{tmp_path}/file/newsletter.db")

    assert told == "the database can't be used: unable to open database file; 'newsletter doctor' says what to do"


@pytest.mark.parametrize("name", WITH_DATABASE)
@pytest.mark.usefixtures("prepared")
def test_a_file_that_is_no_database_is_told_by_every_command(refused, tmp_path, name):
    (tmp_path / "file").write_bytes(b"no database" * 1000)

    told = refused(*name.split(), *ARGUMENTS.get(name, []), DATABASE_URL=f"sqlite:///{tmp_path}/file")

    assert told == "the database can't be used: file is not a database; 'newsletter doctor' says what to do"


@pytest.mark.parametrize("name", ["edition " + name for name in cli.commands["edition"].commands])
@pytest.mark.parametrize("month", ["2022-13", "november", "2022", "２０２２-11", ""])
def test_a_wrong_month_is_told(refused, name, month):
    assert "is no month; write it as YYYY-MM" in refused(*name.split(), *([month, "--yes"][: 1 + ("cancel" in name)]))


@pytest.mark.parametrize("name", ["edition " + name for name in cli.commands["edition"].commands if name != "assemble"])
def test_an_edition_that_is_not_there_is_told(refused, name):
    told = refused(*name.split(), "2022-11", *(["--yes"] if "cancel" in name else []))

    assert told == "there is no edition for 2022-11; make it with 'newsletter edition assemble 2022-11'"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["nothing"], id="no such command"),
        pytest.param(["updates", "nothing"], id="no such command of a group"),
        pytest.param(["updates", "import"], id="an argument is missing"),
        pytest.param(["updates", "list", "2022-11"], id="an argument too many"),
        pytest.param(["updates", "list", "--year", "2022"], id="no such option"),
        pytest.param(["edition", "preview", "2022-11", "--part", "pdf"], id="a choice that is none"),
        pytest.param(["serve", "--port", "99999"], id="a port that is none"),
        pytest.param(["admin", "add", "ada@example.org", "--role", "king"], id="a role that is none"),
        pytest.param(["admin", "add", "ada@example.org"], id="an option is missing"),
    ],
)
def test_wrong_usage_is_code_2_and_nothing_on_stdout(run, words):
    ran = run(*words)

    assert (ran.code, ran.out) == (2, "")
    assert "Error: " in ran.err
    assert "Traceback" not in ran.err


def test_help_is_code_0(run):
    for words in (["--help"], ["-h"], ["edition", "--help"], ["edition", "send", "-h"], ["--version"]):
        ran = run(*words)
        assert (ran.code, ran.err) == (0, ""), words
        assert ran.out


def test_every_command_says_what_it_does():
    for name in leaves(cli):
        found: click.Command = cli
        for word in name.split():
            found = found.commands[word]
        assert found.help, name


def test_a_question_that_nobody_answers_stops(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())

    ran = run("edition", "cancel", "2022-11")

    assert (ran.code, ran.err.strip().splitlines()[-1]) == (130, "newsletter: stopped")


def test_a_user_without_a_name_may_approve(run, sampled, monkeypatch):
    def nobody(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    run("edition", "assemble", "2022-11")

    assert run("edition", "approve", "2022-11").code == 0


@pytest.fixture
def script(command, tmp_path):
    """Run the installed console script in a clean environment; the rest of the words are a shell's."""

    def act(rest: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "NEWSLETTER_INSTANCE": str(tmp_path / "instance")}
        environment |= {f"NEWSLETTER_{name}": value for name, value in settings.items()}
        return subprocess.run(
            ["/bin/bash", "-c", f"{command} {rest}"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return act


def test_the_console_script_sets_up_an_instance_by_itself(script, tmp_path):
    loaded = script("sample load")

    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert loaded.stdout == "102 sample updates, 102 of them new or changed\n"
    assert (tmp_path / "instance" / "newsletter.db").exists()


def test_the_console_script_tells_a_problem_in_one_line(script):
    ran = script("updates import missing.json")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "newsletter: missing.json can't be read: No such file or directory\n"


@pytest.mark.parametrize("name", ["serve", "demo"])
def test_a_port_that_is_taken_is_told(tmp_path, name):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ran = Program([name, "--port", str(port)], {"NEWSLETTER_INSTANCE": str(tmp_path / "instance")}).finish(60)

    assert ran == (
        1,
        f"newsletter: can't serve on 127.0.0.1:{port} (Address already in use); choose another with --port\n",
    )


def test_a_reader_of_the_output_that_goes_away_is_no_error(script):
    ran = script("places list | head -n 1")

    assert (ran.returncode, ran.stderr, ran.stdout.count("\n")) == (0, "", 1)


@pytest.mark.parametrize("words", ["places list", "subscribers export"])
def test_an_output_that_is_full_is_told_in_one_line(script, words):
    ran = script(f"{words} > /dev/full")

    assert (ran.returncode, ran.stderr) == (1, "newsletter: No space left on device\n")


@pytest.mark.usefixtures("sampled", "prepared")
def test_a_relay_out_of_reach_is_told_after_some_seconds(run, script):
    for words in ("subscribers import readers.csv", "edition assemble 2022-11", "edition approve 2022-11"):
        assert run(*words.split()).code == 0

    ran = script("edition send --wait 2022-11", SMTP_URL="smtp://127.0.0.1:1", SENDER="Updates <updates@example.org>")

    assert ran.returncode == 1
    assert ran.stderr == (
        "newsletter: no connection to 127.0.0.1:1: connection refused; mend that or set SMTP_URL, then run this again:"
        " nobody is lost\n"
    )
    assert "2022-11: sending by this command, as no sender is running" in ran.stdout


def test_an_argument_that_is_no_text_is_told_in_one_line(run):
    ran = run("subscribers", "end", "ada@example.org", "--reason", "\udcff")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "newsletter: an argument is no UTF-8 text; write it in UTF-8\n"
