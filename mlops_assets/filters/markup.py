"""Text of an HTML document that a browser does not show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from mlops_assets.filters.evidence import Evidence, evidence
from mlops_assets.filters.texts.injections import read_injections
from mlops_assets.text.markup import refuse_deep_nesting

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_MAX_ELEMENTS = 20_000
_MAX_TEXT_CHARS = 2_000_000
_ELEMENT_COST = 2_000
_MAX_LOOKED_AT = 500
_MIN_CHARS = 20
_MAX_RULES = 200
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0?\.?0*\s*(?:;|$|!)"
    r"|(?:left|top|right|text-indent)\s*:\s*-\d{3,}|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*inset\(\s*(?:50|100)%"
    r"|(?:^|[;\s])(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*(?:;|$|!)|color\s*:\s*transparent",
    re.IGNORECASE,
)
_TINY = re.compile(
    r"font(?:-size)?\s*:\s*(?:0(?:\.\d+)?|1(?:\.\d+)?(?=px|pt))(?:px|pt|em|rem|%)?\s*(?:;|$|!|/)",
    re.IGNORECASE,
)
_SIZE = re.compile(r"font(?:-size)?\s*:", re.IGNORECASE)
_COLOUR = re.compile(r"(?:^|[;\s])color\s*:\s*([^;!]{1,40})", re.IGNORECASE)
_GROUND = re.compile(r"background(?:-color)?\s*:\s*([^;!]{1,60})", re.IGNORECASE)
_RULE = re.compile(r"([.#][\w-]{1,80})\s{0,20}\{([^{}]{0,500})\}")
_NAMED = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
}
_HEX = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})\b", re.IGNORECASE)
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})")
_ALIKE_LEVELS = 24


def read_markup(source: str, *, name: str) -> Iterator[Evidence]:
    """Find text that is in an HTML document and not on its page.

    Text as small as nothing, or of the colour of the ground it names, is `hidden_in_markup` by
    itself: 20 characters or more. Much else of an ordinary page is hidden (menus, notes for screen
    readers, comments): of that only what orders a model to do something counts, and gives
    `prompt_injection` as well. Style sheets count as far as a rule names one class or id.

    Args:
        source: HTML, whole or a fragment.
        name: the file's name, for messages only.

    Yields:
        At most one find of each code.

    Raises:
        InputError: `nested_too_deep`.
    """
    from selectolax.lexbor import LexborHTMLParser

    refuse_deep_nesting(source, name=name)
    tree = LexborHTMLParser(source)
    unseen = next(filter(None, map(_without_trace, _styled(tree))), None)
    if unseen is not None:
        yield unseen
    order = next(read_injections("\n\n".join(_hidden_texts(tree, source))), None)
    if order is not None:
        yield order
        if unseen is None:
            yield evidence("hidden_in_markup", f"text that is not shown, and {order.detail}")


def _styled(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    return islice(iter(tree.css("[style]")), _MAX_ELEMENTS)


def _without_trace(node: LexborNode) -> Evidence | None:
    """Text that no reader can see, by a style that has no other use."""
    style = node.attributes.get("style") or ""
    if _TINY.search(style):
        text = _own_text(node)
        said = "text in a font of no size"
    elif (colour := _COLOUR.search(style)) and _is_on_its_own(node, _rgb(colour[1])):
        text = (node.text(deep=True) or "").strip()
        said = "text in the colour of its ground"
    else:
        return None
    return evidence("hidden_in_markup", said, text) if len(text) >= _MIN_CHARS else None


def _own_text(node: LexborNode) -> str:
    """Text of an element without that of parts that set a size of their own."""
    pieces: list[str] = []
    stack = [node]
    left = _MAX_LOOKED_AT
    while stack and left > 0:
        one = stack.pop()
        for child in islice(one.iter(include_text=True), left):
            left -= 1
            if child.is_text_node:
                pieces.append((child.text_content or "").strip())
            elif not _SIZE.search(child.attributes.get("style") or "") and child.tag != "style":
                stack.append(child)
    return " ".join(filter(None, pieces))


def _is_on_its_own(node: LexborNode | None, colour: tuple[int, ...] | None) -> bool:
    """Whether the nearest ground that is named, of the element or around it, is of a colour."""
    for _ in range(20):
        if node is None or colour is None or not node.is_element_node:
            return False
        ground = _GROUND.search(node.attributes.get("style") or "")
        painted = _rgb(ground[1]) if ground else _rgb(node.attributes.get("bgcolor") or "")
        if ground and painted is None:
            return False
        if painted is not None:
            return all(abs(a - b) <= _ALIKE_LEVELS for a, b in zip(colour, painted, strict=True))
        node = node.parent
    return False


def _rgb(text: str) -> tuple[int, ...] | None:
    text = text.strip().lower()
    if found := _HEX.search(text):
        digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
        return tuple(bytes.fromhex(digits))
    if found := _RGB.search(text):
        return tuple(int(part) for part in found.groups())
    return _NAMED.get(text.split()[0]) if text.split() else None


def _hidden_texts(tree: LexborHTMLParser, source: str) -> Iterator[str]:
    """Texts of what is not shown, until two million characters or a thousand elements are given."""
    left = _MAX_TEXT_CHARS
    for text in _all_hidden(tree, source):
        yield text[:left]
        left -= len(text) + _ELEMENT_COST
        if left <= 0:
            return


def _all_hidden(tree: LexborHTMLParser, source: str) -> Iterator[str]:
    for node in _styled(tree):
        style = node.attributes.get("style") or ""
        if _HIDDEN.search(style) or _TINY.search(style) or _COLOUR.search(style):
            yield node.text(deep=True, separator=" ") or ""
    hiding = ["[hidden]", '[aria-hidden="true"]', "template", "noscript", "[alt]", "[title]"]
    for selector in (*hiding, *_hiding_rules(tree)):
        for node in islice(iter(tree.css(selector)), _MAX_ELEMENTS):
            yield node.text(deep=True, separator=" ") or ""
            yield node.attributes.get("alt") or node.attributes.get("title") or ""
    for node in islice(iter(tree.css("meta[content]")), 100):
        yield node.attributes.get("content") or ""
    yield from _comments(source)


def _hiding_rules(tree: LexborHTMLParser) -> Iterator[str]:
    for sheet in tree.css("style")[:20]:
        for rule in islice(_RULE.finditer((sheet.text(deep=True) or "")[:200_000]), _MAX_RULES):
            if _HIDDEN.search(rule[2]) or _TINY.search(rule[2]):
                yield rule[1]


def _comments(source: str) -> Iterator[str]:
    at = source.find("<!--")
    while at >= 0:
        end = source.find("-->", at + 4)
        end = len(source) if end < 0 else end
        yield source[at + 4 : end]
        at = source.find("<!--", end)
