"""The desk, where editions are made and sent.

    blueprint   what all its pages have in common
    editions    listed, assembled, looked at, approved
    sending     sent, paused, resumed, cancelled

Who may use which page stands in web.access.
"""

from newsletter.web.desk import editions, sending
from newsletter.web.desk.blueprint import desk

__all__ = ["desk", "editions", "sending"]
