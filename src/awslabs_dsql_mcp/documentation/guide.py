"""The offline guide: our own pages about Aurora DSQL, by name, by address and by question."""

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from urllib.parse import urlsplit

from awslabs_dsql_mcp.documentation.page import SCHEME, Page, parse_page
from awslabs_dsql_mcp.documentation.search_index import SearchHit, SearchIndex


@dataclass(frozen=True)
class Guide:
    """All pages, with the index over them, which is made at the first search."""

    pages: tuple[Page, ...]

    def page(self, slug: str) -> Page | None:
        """The page of that name, if there is one."""
        return next((page for page in self.pages if page.slug == slug), None)

    def search(self, phrase: str, limit: int) -> tuple[SearchHit, ...]:
        """The pages that answer a phrase, the best first; at most ``limit``, none where none does."""
        return self._index.search(phrase, limit)

    def page_for_url(self, url: str) -> Page | None:
        """The page that stands for an address: itself, or the one that names it earliest in its sources."""
        if url.startswith(SCHEME):
            return self.page(url.removeprefix(SCHEME).partition("#")[0].strip("/"))
        address = url.partition("#")[0].partition("?")[0]
        citing = [page for page in self.pages if address in page.cited]
        return min(citing, key=lambda page: page.cited.index(address), default=None)

    def closest(self, url: str) -> Page | None:
        """The page closest to an address in Aurora DSQL's documentation, by the words in it."""
        hits = self.related(url, 1) if "dsql" in url else ()
        return hits[0].page if hits else None

    def related(self, url: str, limit: int) -> tuple[SearchHit, ...]:
        """The pages closest to an address: by the page that stands for it, or by the words in it."""
        page = self.page_for_url(url)
        if page is None:
            return self.search(urlsplit(url).path.rpartition("/")[2].removesuffix(".html"), limit)
        hits = self._index.rank(f"{page.title} {page.summary}", limit + 1)
        return tuple(hit for hit in hits if hit.page is not page)[:limit]

    @cached_property
    def _index(self) -> SearchIndex:
        return SearchIndex(self.pages)


def load_guide() -> Guide:
    """Read all pages, by name."""
    folder = files("awslabs_dsql_mcp") / "documentation" / "pages"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".md"))
    return Guide(
        tuple(
            parse_page(name.removesuffix(".md"), (folder / name).read_text(encoding="utf-8"))
            for name in names
        )
    )
