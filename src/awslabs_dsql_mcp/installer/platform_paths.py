"""Configuration directories of the platforms."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath


@dataclass(frozen=True)
class PlatformPaths:
    """A platform and a user's environment on it.

    Attributes:
        platform: Value of ``sys.platform``: ``win32``, ``darwin``, or anything else for Linux and similar.
        environ: The user's environment.
        home: The user's home directory.
    """

    platform: str
    environ: Mapping[str, str]
    home: str

    def folder(self, text: str) -> PurePath:
        """Create a path of this platform; a leading ``~/`` is the home directory."""
        flavour = PureWindowsPath if self.platform == "win32" else PurePosixPath
        return flavour(self.home, text[2:]) if text.startswith("~/") else flavour(text)

    def from_variable(self, variable: str, otherwise: str) -> PurePath:
        """Directory that a variable names, or a default."""
        return self.folder(self.environ.get(variable) or otherwise)

    @property
    def app_data(self) -> PurePath:
        """Configuration directory of desktop programs.

        Sources: XDG Base Directory Specification; Apple's File System Programming Guide, "Library";
        Windows' known folder ``RoamingAppData``.
        """
        if self.platform == "win32":
            return self.from_variable("APPDATA", "~/AppData/Roaming")
        if self.platform == "darwin":
            return self.folder("~/Library/Application Support")
        return self.xdg_config

    @property
    def xdg_config(self) -> PurePath:
        """Configuration directory of command-line programs, also on macOS."""
        return self.from_variable("XDG_CONFIG_HOME", "~/.config")
