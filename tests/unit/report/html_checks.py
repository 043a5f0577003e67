"""Read a report as a browser would: its elements, its visible text, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "hr", "input"}
DRAWN = {"path", "line", "rect", "polyline", "circle"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    inside: tuple[str, ...]


@dataclass
class Page:
    elements: list[Element] = field(default_factory=list)
    pieces: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def tags(self) -> list[str]:
        return [element.tag for element in self.elements]

    @property
    def visible(self) -> str:
        """The text of the body in one line, what only a hover shows left out."""
        told = [text for inside, text in self.pieces if "body" in inside and "title" not in inside]
        return " ".join(" ".join(told).split())

    def text_of(self, *tags: str) -> list[str]:
        """The text in elements of these tags, piece by piece."""
        return [
            " ".join(t.split())
            for inside, t in self.pieces
            if set(tags) <= set(inside)
            if t.strip()
        ]

    def values(self, attribute: str) -> list[str]:
        return [e.attributes[attribute] for e in self.elements if attribute in e.attributes]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in DRAWN | VOID:
            self.page.faults.append(f"<{tag}/> closes itself")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.page.faults.append(f"</{tag}> at {self.getpos()} closes {self.open[-1:]}")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.page.pieces.append((tuple(self.open), data))

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.page.faults.append(f"<{tag}> at {self.getpos()} names an attribute twice")
        self.page.elements.append(
            Element(tag, {name: value or "" for name, value in attrs}, tuple(self.open))
        )


def read(html: str) -> Page:
    """Return the page; its faults are empty if every element is closed in its place."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    page = reader.page
    page.faults += [f"<{tag}> is never closed" for tag in reader.open]
    ids = page.values("id")
    page.faults += [f"the id {name!r} stands twice" for name in set(ids) if ids.count(name) > 1]
    wanted = [name for value in page.values("aria-labelledby") for name in value.split()]
    wanted += [value.removeprefix("#") for value in page.values("href")]
    page.faults += [f"there is no {name!r}" for name in wanted if name not in ids]
    return page
