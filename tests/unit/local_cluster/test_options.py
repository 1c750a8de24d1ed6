"""The options of the local command that choose a configuration."""

from dataclasses import fields

import pytest

from awslabs_dsql_mcp.local_cluster import options
from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.option_parser import Option, OptionParser, SettingsError


def parse(*argv: str) -> ClusterConfig | None:
    parser = OptionParser(allow_abbrev=False)
    options.add_to(parser)
    return options.chosen(parser.parse_args(argv))


def test_every_field_has_an_option() -> None:
    assert [option.name for option in options.OPTIONS] == [field.name for field in fields(ClusterConfig)]


def test_nothing_given_leaves_the_choice_to_others() -> None:
    assert parse() is None


def test_a_default_that_is_given_is_a_choice() -> None:
    assert parse("--conflict-rate", "0") == ClusterConfig()


@pytest.mark.parametrize("minutes", ["--session-minutes", "--local-session-minutes", "--session_minutes"])
def test_faults_are_asked_for_on_the_command_line(minutes: str) -> None:
    flags = "--conflict-rate 0.1 --disconnect-rate 0.01 --latency-ms 40 --seed 7 --honour-cancel"
    expected = ClusterConfig(
        conflict_rate=0.1,
        disconnect_rate=0.01,
        latency_ms=40,
        seed=7,
        honour_cancel=True,
        session_minutes=0.5,
    )
    assert parse(*flags.split(), minutes, "0.5") == expected


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("--conflict-rate", "1.1", "a number from 0 to 1"),
        ("--disconnect-rate", "nan", "a number from 0 to 1"),
        ("--latency-ms", "-1", "a number from 0 to 60000"),
        ("--seed", "x", "a whole number from 0 to 9223372036854775807"),
        ("--max-rows", "0", "a whole number from 1 to 1000000000"),
        ("--session-minutes", "0", "a number from 0.001 to 10000"),
    ],
)
def test_a_wrong_value_is_told(flag: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError) as told:
        parse(f"{flag}={value}")
    assert str(told.value) == f"{flag}: got '{value}', expected {expected}"


def test_an_unknown_flag_is_told() -> None:
    with pytest.raises(SettingsError) as told:
        parse("--conflict-rates", "0.1")
    assert str(told.value) == "--conflict-rates: unknown flag, expected --conflict-rate?"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--for", "psq"], "--for: got 'psq', expected psql?"),
        (["tokn"], "action: got 'tokn', expected token?"),
        (["xyz"], "action: got 'xyz', expected token or sleep or fail"),
        (["token", "x"], "fault: got it with local token, expected it with local fail"),
        (["fail", "x"], "local fail: got 'x', expected create or backup or copy or restore or throttle"),
        (["token", "x", "y"], "y: unknown argument, see --help"),
    ],
)
def test_a_wrong_word_names_the_nearest(words: list[str], expected: str) -> None:
    with pytest.raises(SettingsError) as told:
        main(words)
    assert str(told.value) == expected


def test_flags_are_written_as_they_are_read() -> None:
    config = ClusterConfig(conflict_rate=0.25, seed=7, honour_cancel=True, max_rows=10)
    written = options.flags(config)
    assert written == "--conflict-rate 0.25 --seed 7 --max-rows 10 --honour-cancel"
    assert parse(*written.split()) == config
    assert options.flags(ClusterConfig()) == ""


@pytest.mark.parametrize("option", options.OPTIONS, ids=lambda option: option.flag)
def test_help_tells_the_default(option: Option) -> None:
    default = getattr(ClusterConfig(), option.name)
    if default is not None and not option.is_switch:
        told = option.default.partition(";")[0].replace("10 MiB", str(10 * 2**20))
        assert told == f"{default:.15g}"
