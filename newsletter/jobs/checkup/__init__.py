"""Is all well? What `newsletter doctor` looks at, each look a function that returns what it found.

    finding        one line of the result: what was looked at, its state, what to do
    examination    all looks, in the order in which they are shown
    configured     the settings, and who else can read the instance folder
    stored         the database: reachable, at this version, healthy, room on its disk
    running        the clock, the sender, the editions that wait
    decisions      what waits for an admin: a restored backup, deliveries that are held
    relayed        the relay, by delivery.probe
    mail_records   SPF, DKIM, DMARC, MX: from what DNS says to a finding, without I/O
    looked_up      the sender's domain in DNS

Nothing is changed and nothing is sent, and no finding holds a secret or a subscriber's address.
"""
