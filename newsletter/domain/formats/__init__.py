"""How country updates come in and go out: JSON, Markdown with front matter, the text of a web page."""
