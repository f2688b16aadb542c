"""Whole ways through the demo, with a real browser, over HTTP and SMTP."""
