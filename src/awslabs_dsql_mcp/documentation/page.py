"""A page of the guide, and its reading from a file."""

from dataclasses import dataclass

SCHEME = "dsql://guide/"


@dataclass(frozen=True)
class Page:
    """A page of the guide.

    Attributes:
        slug: Its name in ``dsql://guide/{slug}``.
        title: A few words.
        summary: One sentence.
        keywords: Words that people use for what the page is about.
        as_of: The date up to which its facts were checked, ISO 8601.
        sources: Where the facts come from: addresses and other records.
        body: Markdown, sections under ``##``.
    """

    slug: str
    title: str
    summary: str
    keywords: str
    as_of: str
    sources: str
    body: str

    @property
    def url(self) -> str:
        """The address of the page as a resource."""
        return SCHEME + self.slug

    @property
    def cited(self) -> tuple[str, ...]:
        """The words of the sources, addresses among them, the most important first."""
        return tuple(word.rstrip(";,") for word in self.sources.split())

    @property
    def text(self) -> str:
        """The whole page as Markdown."""
        return (
            f"# {self.title}\n\n{self.summary}\n\n{self.body}\n\n"
            f"As of {self.as_of}. Sources: {self.sources}\n"
        )


def parse_page(slug: str, text: str) -> Page:
    """Read a page from its file: a header of ``name: value`` lines between ``---``, then Markdown.

    Raises:
        ValueError: The header is not whole.
    """
    _, header, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in header.splitlines() if line)
    missing = {"title", "summary", "keywords", "as-of", "sources"} - fields.keys()
    if missing:
        raise ValueError(f"the page {slug} has no {', '.join(sorted(missing))}")
    return Page(
        slug=slug,
        title=fields["title"],
        summary=fields["summary"],
        keywords=fields["keywords"],
        as_of=fields["as-of"],
        sources=fields["sources"],
        body=body.strip(),
    )
