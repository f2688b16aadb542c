"""Texts that try to become markup, scripts, templates, headers, log lines or formulas; and a form that sends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from playwright.sync_api import Page

ATTACKS = [
    "<script>window.x=1</script>",
    "</style></title></textarea><script>window.x=1</script>",
    '"><img src=x onerror="window.x=1">',
    "<svg/onload=window.x=1>",
    "' onfocus='window.x=1' autofocus='",
    "<iframe srcdoc='<script>parent.x=1</script>'></iframe>",
    "q{{7*7}}q {{ config }} {% raw %} ${window.x=1} #{7*7}",
    "--><!-- ]]> <base href=//evil.example/>",
]
ATTACK = " ".join(ATTACKS)
MARKDOWN = f"""{ATTACK}

[a link](javascript:window.x=1) <https://evil.example/?"onclick="window.x=1">

[another](data:text/html,<script>window.x=1</script>)

![a picture" onerror="window.x=1](https://evil.example/pixel.png) <img src=x onerror=window.x=1>

[a third](https://example.org/ "\\" onmouseover=\\"window.x=1")
"""
FORGED = "2022-11-01 00:00:00,000 WARNING newsletter.forged: all is well"
#: Into a field, where a line may end: a header more, and a line more in the log.
TYPED = f"{ATTACK}\r\nX-Forged: 1\r\nBcc: victim@example.org\r\n\r\n{FORGED}\r\n"
WORDS = {
    "text": MARKDOWN,
    "line": ATTACK,
    "url": 'https://example.org/?"onmouseover="window.x=1"\'><script>window.x=1</script>',
    "address": "={{7*7}}'onload='x",
    "file": f"=1+1 {ATTACK}.csv",
    "agent": ATTACK,
    "cell": f"=HYPERLINK(1) {ATTACK}",
}

#: What makes text run, or lets it be seen that it has. Pictures are ours, or in a mail.
LIVE = (
    "[onmouseover], [onclick], [onerror], [onload], [onfocus], [autofocus], [srcdoc], base[href], "
    "img:not([src^='data:image/png;'], [src^='cid:'], [src*='/pictures/']), [href^='javascript:' i], [href^='data:' i]"
)
COUNTED = "q49q"  #: what a template engine makes of an attack

_FORMS = """
() => [...document.forms].flatMap((form) => {
  const fields = [...form.elements].filter((each) => each.name && each.localName !== "button").map((each) => each.name);
  const names = [...new Set(fields)].filter((name) => name !== "csrf_token");
  const pressed = [...form.elements].filter((each) => each.localName === "button" && !each.hidden);
  const sent = pressed.map((each) => each.getAttribute("formaction") ?? form.getAttribute("action"));
  const asked = Object.values(form.dataset).filter((each) => each.startsWith("/"));
  return [...new Set([...sent, ...asked])].map((action) => ({
    path: action.split("#")[0], method: form.method, fields: names,
    buttons: [...new Set(pressed.map((each) => each.name).filter(Boolean))],
  }));
})
"""

#: As a form of the page would, but with any value in any field.
_SEND = """
([path, method, fields]) => {
  const form = Object.assign(document.createElement("form"), { method });
  form.setAttribute("action", path);
  const token = document.querySelector("[name=csrf_token]");
  for (const [name, value] of [...fields, ["csrf_token", token.value]]) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  HTMLFormElement.prototype.submit.call(form);
}
"""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a page, by one of its buttons."""

    path: str
    method: str
    fields: tuple[str, ...]


def forms(page: Page) -> list[Form]:
    """All of the page's, but for fields that guard against forged requests."""
    return [
        Form(each["path"], each["method"].upper(), tuple(sorted({*each["fields"], *each["buttons"]})))
        for each in page.evaluate(_FORMS)
    ]


def send(page: Page, form: Form, values: Mapping[str, str | Iterable[str]]) -> int:
    """Send it from a page of the same site; the status of what comes."""
    pairs = [[name, each] for name, given in values.items() for each in ([given] if isinstance(given, str) else given)]
    with page.expect_navigation() as shown:
        page.evaluate(_SEND, [form.path, form.method, pairs])
    assert shown.value is not None
    return shown.value.status


def upload(page: Page, url: str) -> None:
    """Send a list whose name no browser would give it: a formula, with line breaks, as RFC 5987 lets them through."""
    token = page.locator("[name=csrf_token]").first.input_value()
    name = quote(f"={ATTACKS[0]}\r\n{FORGED}.csv", safe="")
    parts = [
        f'Content-Disposition: form-data; name="csrf_token"\r\n\r\n{token}',
        f"Content-Disposition: form-data; name=\"file\"; filename*=utf-8''{name}\r\n\r\n"
        f'email,follows,consent,"\r\n{FORGED}\r\n"\r\n',
    ]
    body = "".join(f"--part\r\n{part}\r\n" for part in parts) + "--part--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=part", "Referer": f"{url}/admin/"}
    answer = page.request.post(f"{url}/admin/subscribers/imports", data=body.encode(), headers=headers)
    assert answer.status == 200, answer.text()
    page.goto(answer.url)
    look(page, "an upload")


def look(page: Page, name: str) -> None:
    """Whatever is shown now, in frames too: nothing has run, nothing can, and no template has counted."""
    page.wait_for_load_state()
    for frame in page.frames:
        assert frame.evaluate("typeof window.x") == "undefined", name
        assert frame.locator(LIVE).count() == 0, f"{name}: {frame.locator(LIVE).first.evaluate('e => e.outerHTML')}"
        assert COUNTED not in frame.content(), name
        for script in frame.locator("script:not([type='application/ld+json'])").all():
            assert (script.get_attribute("src") or "").startswith("/static/"), name


def said(page: Page) -> str:
    """What the page shows, with what is in its fields."""
    words: str = page.evaluate("""() => {
      const typed = [...document.querySelectorAll("input, textarea")].map((each) => each.value);
      return [document.body.innerText, ...typed].join(" ");
    }""")
    return " ".join(words.split())
