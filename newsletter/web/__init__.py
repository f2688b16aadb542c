"""The site and the desk, on Flask.

    app          the factory: `create_app`
    wiring       what the views need of the program around them: settings, clock, inbox
    database     the request's session: reads for safe requests, the write lock for the others
    security     headers of every response, and what may be kept by whom
    errors       one table from error to page
    rendering    what the templates may call
    site         public pages: home, places, regions, editions
    readers      the form, and the pages behind the links in mails
    forms        what readers type, checked, and the words that they agree to
    picker       the choice of what to follow, as forms show it
    access       who may do what at the desk, and its login
    desk         editions: assembled, approved, sent
    preview      the digest as any chosen reader gets it
    inbox        the demo's caught mail

Views read the request, call a service, commit once, and answer; rules live below. The HTML is in templates/web/.
"""

from newsletter.web.app import create_app

__all__ = ["create_app"]
