"""Templates and assets: context into bytes, parts into one style and one script.

A file is looked for in the user's own folders first (`templates/` and `static/` beside
mtsite.toml), then among those that came with the product. A user's `run.html` may extend the
product's by its full name: `{% extends "mtsite/run.html" %}`.
"""

import contextlib
import hashlib
import pickle
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
import markupsafe
from jinja2.bccache import Bucket

from mtsite.build.themefiles import ASSETS, ThemeFiles, product_dir, schemas_dir
from mtsite.pages import words

__all__ = ["ASSETS", "Theme", "product_dir", "schemas_dir"]

_LONE = re.compile("[\ud800-\udfff]")
_INCLUDE = re.compile(r"\{% include \"([^\"]+)\" %\}\n?")
_REFERENCE = re.compile(
    r"\{%[-+]?\s*(?:extends|include|import|from)\b"
    r"(?:\s*(?:\"([^\"]+)\"|'([^']+)')\s*(?:[-+]?%\}|import\b|as\b|ignore\b|with(?:out)?\b))?"
)
"""A tag that names another template; to parse all templates for these takes a hundred times as
long. What stands in a comment counts, too, and does no harm.
"""


class _Inlining(jinja2.BaseLoader):
    """Puts the text of a part in the place of the tag that includes it: a page has ten of them,
    and each tag would copy the whole context.

    A part sees what the page around it sees, as with the tag. A circle of parts is left to Jinja,
    which names it.
    """

    def __init__(self, loader: jinja2.BaseLoader) -> None:
        self.loader = loader

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, file, fresh = self.loader.get_source(environment, template)
        return self._inline(environment, source, (template,)), file, fresh

    def _inline(self, environment: jinja2.Environment, source: str, above: tuple[str, ...]) -> str:
        def part(found: re.Match[str]) -> str:
            name = found.group(1)
            if name in above:
                return found.group()
            return self._inline(
                environment, self.loader.get_source(environment, name)[0], (*above, name)
            )

        return _INCLUDE.sub(part, source)


class Theme(ThemeFiles):
    """The look of a site. Rendering depends on the templates and on the context, nothing else."""

    def __init__(self, project_dirs: Sequence[Path] = (), cache_dir: Path | None = None) -> None:
        """`project_dirs`: where the user's own `templates/` and `static/` may lie, first wins.

        `cache_dir` keeps compiled templates for the next process; they follow their sources.
        """
        super().__init__(project_dirs)
        own = [directory / "templates" for directory in project_dirs]
        product = jinja2.FileSystemLoader(product_dir("templates"))
        loaders: list[jinja2.BaseLoader] = [jinja2.FileSystemLoader(own)] if own else []
        loaders += [product, jinja2.PrefixLoader({"mtsite": product})]
        self._loader = jinja2.ChoiceLoader(loaders)
        self._environment = _Environment(
            loader=_Inlining(self._loader),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            keep_trailing_newline=True,
            bytecode_cache=_Compiled(str(cache_dir)) if cache_dir is not None else None,
        )
        self._environment.filters["number"] = _in_threes
        self._recipes: dict[str, str] = {}
        self._templates: dict[str, jinja2.Template] = {}

    def render(self, template: str, context: Mapping[str, object]) -> bytes:
        """A page. Bytes of a name that are not UTF-8 come out as U+FFFD; no text makes this fail.

        Raises:
            jinja2.TemplateError: the template names something that the context doesn't have.
        """
        text = self.load(template).render(context)
        try:
            return text.encode()
        except UnicodeEncodeError:
            return _LONE.sub("\ufffd", text).encode()

    def load(self, template: str) -> jinja2.Template:
        """A template, compiled once per process, or by the process that this one was forked from.

        Raises:
            jinja2.TemplateError: it is no template.
        """
        found = self._templates.get(template)
        if found is None:
            found = self._templates[template] = self._environment.get_template(template)
        return found

    def load_early(self, templates: Iterable[str]) -> None:
        """Load templates; one that can't be loaded is told with the page that needs it."""
        for template in templates:
            with contextlib.suppress(jinja2.TemplateError, OSError, ValueError):
                self.load(template)

    def recipe(self, template: str) -> str:
        """A digest of the template with all that it extends, includes or imports, at any depth."""
        known = self._recipes.get(template)
        if known is None:
            digest = hashlib.sha256()
            for name, source in sorted(self._sources(template).items()):
                digest.update(f"{name}\0{len(source)}\0{source}".encode())
            known = self._recipes[template] = digest.hexdigest()
        return known

    def _sources(self, template: str) -> dict[str, str]:
        loader = self._loader
        sources: dict[str, str] = {}
        waiting = [template]
        while waiting:
            name = waiting.pop()
            if name in sources:
                continue
            sources[name] = loader.get_source(self._environment, name)[0]
            for double, single in _REFERENCE.findall(sources[name]):
                # A name that only running would tell: every template may be meant.
                waiting += [double or single] if double or single else loader.list_templates()
        return sources


def _in_threes(value: object) -> object:
    return words.number(value) if type(value) is int else value


def _sparing(escape: Callable[[object], str]) -> Callable[[object], str]:
    """Escaping that gives plain text, instead of marking it as safe.

    A page asks for this two hundred times, and the mark costs eight times as much; what a
    template writes is not escaped again, so that nothing tells the two apart.
    """
    # What escapes for markupsafe itself; should it be gone one day, pages only take longer.
    escape_text: Callable[[str], str] = getattr(markupsafe, "_escape_inner", escape)

    marked: type[str] = type(escape(""))

    def escape_plainly(value: object) -> str:
        if type(value) is str:
            return escape_text(value)
        # What is marked has it behind it, and digits need none.
        if type(value) is marked:
            return value
        return str(value) if type(value) is int else escape(value)

    return escape_plainly


class _Template(jinja2.Template):
    """A template whose code marks nothing as safe."""

    @classmethod
    def from_code(
        cls,
        environment: jinja2.Environment,
        code: CodeType,
        globals: MutableMapping[str, Any],
        uptodate: Callable[[], bool] | None = None,
    ) -> jinja2.Template:
        """A template from its compiled code."""
        made = super().from_code(environment, code, globals, uptodate)
        names = made.root_render_func.__globals__
        names["escape"] = _sparing(names["escape"])
        return made


class _Environment(jinja2.Environment):
    template_class = _Template

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """What all templates may name; nothing is added to it later.

        Jinja keeps it in two layers that are joined anew for each page and each import.
        """
        return {**self.globals, **(d or {})}


_IN_PROCESS: dict[tuple[str, str], CodeType] = {}
"""What this process has compiled, by name and content: two sites may share their templates."""

_MOST_IN_PROCESS = 500


class _Compiled(jinja2.FileSystemBytecodeCache):
    """Compiled templates in a directory that may vanish or be full: then they are compiled anew."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except (OSError, ValueError, EOFError, TypeError, pickle.UnpicklingError):
            bucket.reset()
        if bucket.code is None and (known := _IN_PROCESS.get((bucket.key, bucket.checksum))):
            bucket.code = known
            self.dump_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            if len(_IN_PROCESS) >= _MOST_IN_PROCESS:
                _IN_PROCESS.clear()
            _IN_PROCESS[bucket.key, bucket.checksum] = bucket.code
        with contextlib.suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)
