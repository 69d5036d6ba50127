"""Comments and descriptions into HTML: with `loglines.py` the only makers of Markup.

A comment is plain text: only its line breaks are kept and its links made, so `__init__` and
`3*4*5` survive. A description is Markdown without raw HTML and without images; its links may
point to http, https, mailto or a place beside the page, nowhere else.
"""

import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from mtsite.pages import words

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import OptionsDict

_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"'`]+[^\s<>\"'`.,;:!?)\]}]")
_NEEDS_WORK = re.compile(r"[\n\r]|https?://|mailto:")
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.\-]*):")
_ALLOWED = frozenset({"http", "https", "mailto"})
_REL = "nofollow noopener noreferrer"
DESCRIPTION_LIMIT = 20_000
COMMENT_LIMIT = 4_000
COMMENT_ROOM = 400
COMMENT_LINES = 5
COMMENT_HEAD = 120


def comment(text: str) -> str | Markup:
    """A comment as HTML: escaped, http, https and mailto addresses linked, lines kept.

    Text without either comes back as it is, for the template to escape.
    """
    if not _NEEDS_WORK.search(text):
        return text
    pieces: list[str] = []
    for line in text.strip().splitlines():
        if pieces:
            pieces.append("<br>")
        end = 0
        for found in _LINK.finditer(line):
            address = escape(found.group())
            pieces.append(str(escape(line[end : found.start()])))
            pieces.append(f'<a href="{address}" rel="{_REL}">{address}</a>')
            end = found.end()
        pieces.append(str(escape(line[end:])))
    return Markup("".join(pieces))


def folded_comment(text: str) -> tuple[str, str | Markup]:
    """(its beginning, the comment as HTML): '' and the comment where it is short.

    What stands above an error must leave the error in sight. No page shows over 4,000 characters.
    """
    lines = text.splitlines()
    if len(text) <= COMMENT_ROOM and len(lines) <= COMMENT_LINES:
        return "", comment(text)
    whole = text if len(text) <= COMMENT_LIMIT else text[:COMMENT_LIMIT] + "…"
    first = next((line.strip() for line in lines if line.strip()), "")
    return first[:COMMENT_HEAD] + "…", comment(whole)


def description(text: str) -> Markup:
    """A description in Markdown as HTML; cut at 20,000 characters, and it says so."""
    cut = text[:DESCRIPTION_LIMIT]
    html = _parser().render(cut)
    if len(text) > len(cut):
        html += f"<p>… cut here: {words.number(len(text))} characters in all.</p>"
    return Markup(html)


def is_allowed(address: str) -> bool:
    """Whether a link of a description may point there: http, https, mailto or relative."""
    scheme = _SCHEME.match(address)
    if scheme:
        return scheme.group(1).lower() in _ALLOWED
    return not address.lstrip().replace("\\", "/").startswith("//")


def _open_link(
    renderer: "RendererHTML",
    tokens: "Sequence[Token]",
    index: int,
    options: "OptionsDict",
    env: MutableMapping[str, Any],
) -> str:
    tokens[index].attrSet("rel", _REL)
    return renderer.renderToken(tokens, index, options, env)


def _low_heading(
    renderer: "RendererHTML",
    tokens: "Sequence[Token]",
    index: int,
    options: "OptionsDict",
    env: MutableMapping[str, Any],
) -> str:
    """A heading below those of the page itself, whichever its author chose."""
    tokens[index].tag = "h3"
    return renderer.renderToken(tokens, index, options, env)


@cache
def _parser() -> "MarkdownIt":
    # Most sites have few descriptions, most builds none to show.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("js-default").disable("image")
    parser.validateLink = is_allowed  # type: ignore[assignment]  # its documented way
    parser.add_render_rule("link_open", _open_link)
    parser.add_render_rule("heading_open", _low_heading)
    parser.add_render_rule("heading_close", _low_heading)
    return parser
