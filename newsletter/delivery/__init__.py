"""How messages leave: an SMTP client made for many messages over few connections (RFC 5321).

Nothing here knows a database, a web framework or what a message says. From the wire upward:

    reply        bytes from the relay -> Reply
    offers       what the relay said it can do
    outcome      a reply -> what it means for the message
    message      a message and its envelope -> the bytes to write, or why it can't be written
    login        AUTH: what is said, and what a refusal means; access_token reads the token of XOAUTH2
    handshake    greeting, EHLO, STARTTLS, AUTH    no I/O
    protocol     MAIL, RCPT, DATA, content         no I/O
    connection   a socket, with TLS or without, that feeds the two above
    capacity     how many connections a relay takes
    pool         which connections to one relay are open, and when a new one is tried
    shares       which of several relays gets the next message
    relays       the loop over all pools
    engine       submit, poll, withdraw, close
    settings     how to reach a relay, and how hard to press it; relay_urls reads their URLs
    pacing       messages a second, and waits between attempts to connect
    retry        when a deferred message is tried again
    destinations how fast mail may go to each
"""
