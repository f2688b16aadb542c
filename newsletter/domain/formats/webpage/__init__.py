"""The parts that the text of a web page is read with; `formats.page` puts them together.

    lines      the page cut into lines and sections, without what belongs to the site
    days       dates and months as people write them
    heading    which place, which month, which trend and alerts
    body       headline and developments
    sentences  where a lead sentence ends
    quotes     in the news
    links      latest updates
    doubts     what the reader wasn't sure of

Each is handed lines or text, and gives back values.
"""
