"""How fast mail may go where: by destination, learned from replies, and by the calendar.

A destination is a domain, or all the domains whose mail one provider takes.

    providers    which domains and MX hosts belong to one destination; mx asks for the hosts
    signals      what a reply says of a destination: taken, busy, too fast, refused
    learning     what its rate and its pauses are after that
    slots        when each of those may go who wait for a limit
    destination  what is known of one
    pacer        all destinations: may a message go now, and if not, when
    calendar     quiet hours, and the first days of a new domain
    advice       what a refusal means, in words for an admin
"""
