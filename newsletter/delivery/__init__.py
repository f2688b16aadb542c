"""How messages leave: an SMTP client made for many messages over few connections (RFC 5321).

Nothing here knows a database, a web framework or what a message says. From the wire upward:

    reply        bytes from the relay -> Reply
    offers       what the relay said it can do
    outcome      a reply -> what it means for the message
    message      a message and its envelope -> the bytes to write, or why it can't be written
    handshake    greeting, EHLO, STARTTLS, AUTH    no I/O
    protocol     MAIL, RCPT, DATA, content         no I/O
    connection   a socket, with TLS or without, that feeds the two above
    pool         which connections are open, and when a new one is tried
    engine       the queue and the loop: submit, poll, withdraw, close
    settings     how to reach the relay, and how hard to press it
    pacing       messages a second, and waits between attempts to connect
    retry        when a deferred message is tried again
"""
