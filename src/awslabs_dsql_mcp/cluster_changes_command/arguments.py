"""Arguments of the commands that change clusters."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from awslabs_dsql_mcp.clusters.changes.advice import WORDS
from awslabs_dsql_mcp.clusters.changes.order import Order, read_order, read_point
from awslabs_dsql_mcp.clusters.changes.rules import Action, Request
from awslabs_dsql_mcp.config.clusters import add_cluster_choice
from awslabs_dsql_mcp.config.options import OPTIONS
from awslabs_dsql_mcp.config.parsers import read_region
from awslabs_dsql_mcp.option_parser import (
    Option,
    OptionParser,
    SettingsError,
    add_options,
    read_switch,
    read_value,
    whole_number,
)
from awslabs_dsql_mcp.text import one_line

CREATE, PAIR, RESTORE = "create", "pair", "restore"
_ACTIONS: Final[Mapping[str, Action]] = {word: cast("Action", action) for action, word in WORDS.items()}
_PAIR: Final = 2


def _read_pair(text: str) -> tuple[str, ...]:
    """Read the two Regions of a pair."""
    names = tuple(text.replace(",", " ").split())
    if len(set(names)) != _PAIR or len(names) != _PAIR:
        raise ValueError("two different AWS Regions, such as us-east-1,us-east-2")
    return tuple(map(read_region, names))


_SECONDS: Final = Option(
    "--seconds", (), whole_number(1, 7200), "Longest to wait until it is done.", "s", "900"
)
_NO_WAIT: Final = Option("--no-wait", (), read_switch, "Ask for it, and do not wait until it is done.")
_YES: Final = Option("--yes", (), read_switch, "Do not ask; for scripts. The other rules stay.")
_WITHOUT_BACKUP: Final = Option(
    "--without-backup", (), read_switch, "Delete also without a recovery point: the data is lost for good."
)
_REGIONS: Final = Option("--regions", (), _read_pair, "The two Regions, with a comma between them.", "A,B")
_WITNESS: Final = Option(
    "--witness", (), read_region, "Third Region, which keeps the log and no data.", "REGION"
)
_WITHOUT_PROTECTION: Final = Option("--without-protection", (), read_switch, "Leave deletion protection off.")

_ABOUT: Final = {
    CREATE: "Create a cluster, in the Region of --region. The same name again goes on with it.",
    PAIR: "Create a multi-Region pair. The same name again goes on where it stopped.",
    RESTORE: "Restore a recovery point into a new cluster, in the Region of the point, or with --regions and "
    "--witness into a pair. The same name again goes on with it.",
    "protect": "Switch deletion protection on.",
    "unprotect": "Switch deletion protection off; you are asked first, and type the cluster's id.",
    "tag": "Set tags.",
    "untag": "Remove tags.",
    "back-up": "Make a recovery point by AWS Backup; a cluster that sleeps is woken. A backup that runs is "
    "followed.",
    "delete": "Delete a cluster with all its data. It has to be unprotected, and to have a recovery point; "
    "you are asked first, and type the cluster's id.",
}
_WAITING: Final = (CREATE, PAIR, RESTORE, "back-up", "delete")
_CREATING: Final = (CREATE, PAIR, RESTORE)
_EPILOG: Final = (
    "Exit status: 0 done; 1 refused or failed; 2 wrong arguments; 3 asked for, and not done yet or not "
    "known. Run again, it goes on where it stopped."
)


@dataclass(frozen=True)
class Wanted:
    """What a command line asks for.

    Attributes:
        word: The command behind ``clusters``.
        settings: Options of the server, by name.
        of_file: Name of the cluster of a file whose account is meant; ``None`` where none was given.
        cluster: The cluster, as it was given; empty where one is created.
        name: Name of what is created.
        regions: Regions of a pair; empty for that of the settings.
        witness: Region of a pair's witness.
        point: ARN of the recovery point.
        tags: Tags to set, or whose keys are to go.
        is_protected: A new cluster is protected.
        without_backup: Delete also without a recovery point.
        is_agreed: Do not ask.
        as_json: Print JSON.
        wait: Seconds to wait.
    """

    word: str
    settings: Mapping[str, object]
    of_file: str | None = None
    cluster: str = ""
    name: str = ""
    regions: tuple[str, ...] = ()
    witness: str = ""
    point: str = ""
    tags: Mapping[str, str] | None = None
    is_protected: bool = True
    without_backup: bool = False
    is_agreed: bool = False
    as_json: bool = False
    wait: int = 0

    @property
    def creates(self) -> bool:
        """True if clusters are created."""
        return self.word in _CREATING

    @property
    def request(self) -> Request:
        """The change of a cluster that is there."""
        return Request(_ACTIONS[self.word], self.tags or {}, self.without_backup)

    def order(self, region: str) -> Order:
        """Give what is to be created.

        Args:
            region: The Region where none is given.

        Raises:
            RequestInvalid: It contradicts itself.
        """
        regions = self.regions or (read_point(self.point).region if self.point else region,)
        return read_order(
            self.name, regions, self.witness, self.point, self.tags, is_protected=self.is_protected
        )


def read_arguments(word: str, arguments: Sequence[str]) -> Wanted:
    """Read a command line.

    Args:
        word: The command behind ``clusters``.
        arguments: All others.

    Raises:
        SettingsError: A wrong argument.
    """
    given = vars(_parser(word).parse_args(arguments))
    wait = 0 if "no_wait" in given or word not in _WAITING else cast("int", _value(given, _SECONDS))
    if "no_wait" in given and "seconds" in given:
        raise SettingsError("--seconds: got it with --no-wait, expected one of them")
    is_pair = word == PAIR or not given.keys().isdisjoint((_REGIONS.name, _WITNESS.name))
    return Wanted(
        word,
        {option.name: given[option.name] for option in OPTIONS if option.name in given},
        of_file=given.get("of_file"),
        cluster=given.get("cluster", ""),
        name=given.get("cluster_name", ""),
        regions=cast("tuple[str, ...]", _value(given, _REGIONS) if is_pair else ()),
        witness=str(_value(given, _WITNESS)) if is_pair else "",
        point=given.get("point", ""),
        tags=_read_keys(given["keys"]) if "keys" in given else _read_tags(given.get("tags", ())),
        is_protected="without_protection" not in given,
        without_backup="without_backup" in given,
        is_agreed="yes" in given,
        as_json=given["json"],
        wait=wait,
    )


def _value(given: Mapping[str, object], option: Option) -> object:
    if option.name not in given and not option.default:
        raise SettingsError(f"{option.flag}: got nothing, expected {option.unit}")
    return read_value(option, option.flag, given.get(option.name, option.default))


def _read_tags(texts: Sequence[str]) -> dict[str, str]:
    tags = dict[str, str]()
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise SettingsError(f"tag: got {one_line(repr(text))}, expected KEY=VALUE")
        if tags.setdefault(key, value) != value:
            raise SettingsError(f"tag: got {one_line(repr(key))} with two values, expected one")
    return tags


def _read_keys(keys: Sequence[str]) -> dict[str, str]:
    for key in keys:
        if "=" in key:
            raise SettingsError(f"tag: got {one_line(repr(key))}, expected its key alone")
    return dict.fromkeys(keys, "")


def _parser(word: str) -> argparse.ArgumentParser:
    parser = OptionParser(
        f"awslabs-dsql-mcp clusters {word}",
        description=_ABOUT[word],
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    if word in _CREATING:
        parser.add_argument("cluster_name", metavar="NAME", help="its tag Name, by which it is found again")
    else:
        parser.add_argument("cluster", metavar="CLUSTER", help="id, ARN, endpoint, or the name of one")
    if word == RESTORE:
        parser.add_argument("point", metavar="POINT", help="ARN of the recovery point")
    if word == "tag":
        parser.add_argument("tags", metavar="KEY=VALUE", nargs="+", help="a tag to set")
    if word == "untag":
        parser.add_argument("keys", metavar="KEY", nargs="+", help="key of a tag to remove")
    add_options(parser, _options(word))
    if word in _CREATING:
        parser.add_argument(
            "--tag",
            dest="tags",
            action="append",
            default=argparse.SUPPRESS,
            metavar="KEY=VALUE",
            help="one more tag; again for more",
        )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_cluster_choice(parser, "of_file")
    add_options(parser, _server_options(word), "options of the server", "They choose the account.")
    return parser


def _options(word: str) -> tuple[Option, ...]:
    asked = (_YES,) if word in ("unprotect", "delete") else ()
    deletion = (_WITHOUT_BACKUP,) if word == "delete" else ()
    pair = (_REGIONS, _WITNESS) if word in (PAIR, RESTORE) else ()
    creation = (_WITHOUT_PROTECTION,) if word in _CREATING else ()
    waiting = (_SECONDS, _NO_WAIT) if word in _WAITING else ()
    return (*pair, *creation, *deletion, *asked, *waiting)


def _server_options(word: str) -> tuple[Option, ...]:
    names = {"config", "region", "profile", "local", "local_data"}
    if word in (PAIR, RESTORE):  # they name their Regions themselves
        names.remove("region")
    return tuple(option for option in OPTIONS if option.name in names)
