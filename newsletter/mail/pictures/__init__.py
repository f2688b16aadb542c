"""The pictures of a mail: drawn once an edition, the same for all its readers, and never needed to understand it.

illustrated             all pictures of an edition
worldmap                the month on a map of the world, with
    world, projection       the land, and where a point of it lies on paper
    marks                   the signs at places, and how they keep apart
    description             the same in words
strip                   the last twelve months of one place
colour, png             few colours, and the files that hold them
picture                 what a template gets
atlas                   makes world.json; run by hand, when there is a newer source
"""
