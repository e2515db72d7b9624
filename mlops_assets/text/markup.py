"""HTML and Markdown to the text a reader sees."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from mlops_assets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token
    from selectolax.lexbor import LexborNode

MAX_OPEN_ELEMENTS = 2_000
MAX_REPEATED_ELEMENTS = 3_000_000


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_PARAGRAPHS = _tags(
    "address article aside blockquote body dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header "
    "hr main nav ol p pre section table ul"
)
_LINES = _tags("br caption dd div dt figcaption legend li optgroup option summary tr")
_UNSEEN = _tags(
    "applet audio canvas embed frameset head iframe math noembed noframes noscript object script "
    "style svg template title video"
)
_CLOSED_BY_THE_NEXT = _tags(
    "area base br caption col colgroup dd dt embed hr img input li link meta option optgroup p "
    "param source tbody td tfoot th thead tr track wbr"
)
_REPEATED_IF_OPEN = _tags("a b big code em font i nobr s small strike strong tt u")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---\n(.{0,20000}?)\n(?:---|\.\.\.)(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(\S.*)$", re.MULTILINE)
_SPACES = re.compile(r"\s+")


class Marked(NamedTuple):
    """What a marked-up document says: its text and its own title, '' if it names none."""

    text: str
    title: str


def read_html(source: str, *, name: str) -> Marked:
    """Take the visible text out of an HTML document; nothing is fetched or run.

    Scripts, styles, templates, embedded media and elements hidden by attribute or by an inline
    style are left out; block elements become lines, paragraphs are set apart by a blank line,
    `pre` keeps its lines. Style sheets are not applied: what only they hide is kept.

    Args:
        source: HTML or XHTML, whole or a fragment.
        name: the file's name, for messages only.

    Returns:
        The text, '' if there is none, and the content of `title`, else of the first `h1`.

    Raises:
        InputError: reason `nested_too_deep`: more than 2,000 elements open at once, or unclosed
            elements which would be repeated millions of times (both take hours to parse).
    """
    from selectolax.lexbor import LexborHTMLParser

    refuse_deep_nesting(source, name=name)
    tree = LexborHTMLParser(source)
    root = tree.body or tree.root
    title = tree.css_first("head > title") or tree.css_first("h1")
    heading = _SPACES.sub(" ", title.text(deep=True)).strip() if title else ""
    return Marked(_visible_text(root) if root else "", heading)


def refuse_deep_nesting(source: str, *, name: str) -> None:
    """Refuse HTML that takes hours to parse.

    Args:
        source: HTML.
        name: the file's name, for messages only.

    Raises:
        InputError: reason `nested_too_deep`.
    """
    deepest, repeated = _nesting(source)
    if deepest > MAX_OPEN_ELEMENTS or repeated > MAX_REPEATED_ELEMENTS:
        raise InputError(
            f"{name} has {deepest} HTML elements open at once, {repeated} to repeat; "
            f"expected at most {MAX_OPEN_ELEMENTS} and {MAX_REPEATED_ELEMENTS}",
            reason="nested_too_deep",
        )


def _nesting(source: str) -> tuple[int, int]:
    """Most elements open at once, and how often a parser would repeat an open formatting one."""
    depth = deepest = formatting = repeated = 0
    for match in _TAG.finditer(source):
        tag, step = match[2].lower(), -1 if match[1] else 1
        if tag in _REPEATED_IF_OPEN:
            formatting = max(0, formatting + step)
        if tag not in _CLOSED_BY_THE_NEXT:
            depth = max(0, depth + step)
        deepest, repeated = max(deepest, depth), repeated + formatting
    return deepest, repeated


def _visible_text(root: LexborNode) -> str:
    pieces: list[str] = []
    at_line_start = True
    for piece, exact in _visible_pieces(root):
        text = piece if exact else _SPACES.sub(" ", piece)
        text = text.lstrip() if at_line_start and not exact else text
        if text:
            pieces.append(text)
            at_line_start = text.endswith("\n")
    return "".join(pieces)


def _visible_pieces(root: LexborNode) -> Iterator[tuple[str, bool]]:
    """Texts and breaks in reading order, and whether their white space is to be kept."""
    stack: list[tuple[LexborNode | str, bool]] = [(root, False)]
    while stack:
        node, exact = stack.pop()
        if isinstance(node, str):
            yield node, exact
        elif node.is_text_node:
            yield node.text_content or "", exact
        elif node.is_element_node and not _is_hidden(node):
            around = _break_around(node.tag or "")
            yield around.strip(" "), True
            stack.append(("" if node.tag == "br" else around, True))
            exact = exact or node.tag == "pre"
            stack.extend((child, exact) for child in reversed(list(node.iter(include_text=True))))


def _break_around(tag: str) -> str:
    if tag in _PARAGRAPHS:
        return "\n\n"
    if tag in _LINES:
        return "\n"
    return " " if tag in ("td", "th") else ""


def _is_hidden(node: LexborNode) -> bool:
    if node.tag in _UNSEEN:
        return True
    attributes = node.attributes
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or _HIDDEN_STYLE.search(attributes.get("style") or "") is not None
    )


def read_markdown(source: str, *, name: str) -> Marked:
    r"""Take the text out of a CommonMark document (with tables).

    Headings, list items, table rows and code lines stay lines of their own; marks of emphasis,
    link targets and front matter go; an image leaves its description; HTML in it is read as HTML.

    Args:
        source: Markdown with line ends ``\n``.
        name: the file's name, for messages only.

    Returns:
        The text, and the title: that of the front matter, else the first heading, else ''.

    Raises:
        InputError: reason `nested_too_deep`, from HTML inside.
    """
    from markdown_it import MarkdownIt

    front = _FRONT_MATTER.match(source)
    tokens = (
        MarkdownIt("commonmark").enable("table").parse(source[front.end() :] if front else source)
    )
    named = _FRONT_TITLE.search(front[1]) if front else None
    title = named[1].strip().strip("\"'") if named else _first_heading(tokens)
    return Marked("".join(_block_text(token, name=name) for token in tokens), title)


def _first_heading(tokens: Sequence[Token]) -> str:
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            return _inline_text(token).strip()
    return ""


def _block_text(token: Token, *, name: str) -> str:
    match token.type:
        case "inline":
            return _inline_text(token)
        case "fence" | "code_block":
            return token.content + "\n\n"
        case "html_block":
            return read_html(token.content, name=name).text + "\n"
        case "paragraph_close":
            return "\n" if token.hidden else "\n\n"
        case "heading_close" | "bullet_list_close" | "ordered_list_close" | "table_close":
            return "\n\n"
        case "tr_close":
            return "\n"
        case "td_close" | "th_close":
            return " "
        case _:
            return ""


def _inline_text(token: Token) -> str:
    return "".join(_inline_piece(child) for child in token.children or ())


def _inline_piece(token: Token) -> str:
    match token.type:
        case "text" | "code_inline" | "text_special":
            return token.content
        case "image":
            return _inline_text(token)
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case _:
            return ""
