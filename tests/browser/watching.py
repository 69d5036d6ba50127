"""A page in Chromium that notes what went wrong while it was open."""

from pathlib import Path
from typing import Any

WATCH_POLICY = """
window.policyReports = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.policyReports.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) {
    const nodes = shift.sources.map((source) => source.node);
    const moved = nodes.map((node) => node && (node.className || node.nodeName));
    window.shifts.push(`${shift.value.toFixed(4)} ${moved.join(" ")}`);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


class Watched:
    """A page; `trouble` has errors, warnings, dialogs, and requests that leave `origin`."""

    def __init__(self, browser: Any, origin: str = "file:", **options: Any) -> None:
        self.origin = origin
        self.context = browser.new_context(**options)
        if options.get("java_script_enabled", True):
            self.context.add_init_script(WATCH_POLICY)
        self.page = self.context.new_page()
        self.trouble: list[str] = []
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("dialog", self._on_dialog)
        self.page.on("request", self._on_request)
        self.page.on("requestfailed", self._on_lost)

    def _on_console(self, message: Any) -> None:
        # What watches a page is sent into its frames, too, and refused where they take no script.
        if message.text.startswith("Blocked script execution in 'about:srcdoc'"):
            return
        if message.type in {"error", "warning"}:
            self.trouble.append(f"{message.type}: {message.text}")

    def _on_dialog(self, dialog: Any) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_request(self, request: Any) -> None:
        if not request.url.startswith(self.origin):
            self.trouble.append(f"request: {request.url}")

    def _on_lost(self, request: Any) -> None:
        # Going on to the next page aborts what the icon of this one still asked for.
        if request.failure != "net::ERR_ABORTED":
            self.trouble.append(f"lost: {request.url}: {request.failure}")

    def go(self, site: Path, path: str) -> Any:
        """Open a page of a tree as a file; `path` may carry a query or a fragment."""
        cut = min((at for at in map(path.find, "?#") if at >= 0), default=len(path))
        self.page.goto((site / path[:cut]).as_uri() + path[cut:])
        return self.page
