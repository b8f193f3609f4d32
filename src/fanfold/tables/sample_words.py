"""The words of the sample: common ones, those of a dozen themes, and syllables for all others."""

from __future__ import annotations

COMMON = """
the a to of and is in that you it when or for someone who with on as are be by not like from your
at this an one can have they but if their up out so who's was it's do all just what about he his
more get people used has she her very word which don't other then them how no we because i my only
being also really most some way after into over will person something time than make there any
where back off you're can't him good between down usually me even doesn't another too same such
going want many before never often while through always best isn't without anyone things new every
say much kind know go few own again still two first around us i'm kinda gonna won't they're that's
ain't y'all let's would've couldn't what's he's there’s we’ll whole bit sort thing stuff 24/7 1990s
""".split()
"""The most frequent words, in the order of their frequency."""

THEMES = tuple(
    tuple(theme.split())
    for theme in """
beer party drunk night bar shots club wasted vodka friday hangover booze cheers keg lager pub
song music band guitar beat dance rapper lyrics album bass drums concert tune chorus remix récord
love heart girl kiss crush date wedding ex hug single flirt romance cute breakup jealous fiancé
school teacher class homework test grade college nerd exam bus lunch campus math essay dorm naïve
internet post game phone online meme video chat troll comment lag server forum wifi click emoji
food pizza eat cheese burger fries bacon hungry taco coffee sauce snack bread café jalapeño crêpe
team ball coach score win lose field goal league fan basketball referee kick season tackle jersey
money cash rich job boss work pay broke bank rent dollar store cheap bill €5 $20
dog cat bird animal fish horse puppy tail monkey bear zoo fur snake duck rabbit goat
car drive road truck fast street ride wheel bike engine crash parking traffic gas brakes señor
dude idiot crazy weird cool annoying funny awkward lame fake loser lazy rude mad façade über
town city country house trip beach summer weather river mountain island snow train hotel 東京 köln
""".strip().splitlines()
)
"""What definitions are about: twelve themes of sixteen words, the most frequent ones first."""

SYLLABLES = """
ba bli bo bru cha cho da dee dro fa fli foo ga gla go gru ja jee jo ka kee kli koo la lee lo lu ma
mee mo mu na nee no nu ola pli ra ree ro ru sa see sko sla sno squi ta tee to tri va vee vo wa wee
wo ya yo za zee zo
""".split()

ENDINGS = """
bler dle fy gle ish kin ler lish ment mer ness nik nix per plex ser ski ster tion tude ty zle zoid
""".split()
"""One or two syllables and an ending make a rare word."""
