"""Where a platform keeps the settings of its users' programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath


@dataclass(frozen=True)
class PlatformPaths:
    """A platform and a user's environment on it.

    Attributes:
        platform: ``win32``, ``darwin``, or anything else for Linux and its like, as ``sys.platform`` says.
        environ: The user's environment.
        home: The user's home folder.
    """

    platform: str
    environ: Mapping[str, str]
    home: str

    def folder(self, text: str) -> PurePath:
        """Make a path of this platform; ``~/`` at its beginning is the home folder."""
        flavour = PureWindowsPath if self.platform == "win32" else PurePosixPath
        return flavour(self.home, text[2:]) if text.startswith("~/") else flavour(text)

    def either(self, variable: str, otherwise: str) -> PurePath:
        """Take the folder that a variable names, or another one."""
        return self.folder(self.environ.get(variable) or otherwise)

    @property
    def app_data(self) -> PurePath:
        """Where desktop programs keep settings.

        Sources: XDG Base Directory Specification; Apple's File System Programming Guide, "Library";
        Windows' known folder ``RoamingAppData``.
        """
        if self.platform == "win32":
            return self.either("APPDATA", "~/AppData/Roaming")
        if self.platform == "darwin":
            return self.folder("~/Library/Application Support")
        return self.xdg_config

    @property
    def xdg_config(self) -> PurePath:
        """Where programs of the terminal keep settings, on macOS too."""
        return self.either("XDG_CONFIG_HOME", "~/.config")
